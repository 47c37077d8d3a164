"""What a mail shows, and the mails of the library as it asks for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape

from allauth.account.adapter import get_adapter
from allauth.core.context import request_context
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from accounts.models import User


def both(mail) -> tuple[str, str]:
    """The text, and what the HTML shows, white space folded."""
    ((html, kind),) = mail.alternatives
    assert kind == "text/html" and ">Copytrade<" in html.replace("</span> Copytrade", ">Copytrade")
    assert not re.search(r"<(img|script|link)\b|src=", html), "nothing is fetched by a mail"
    shown = re.sub(r"<[^>]+>", " ", re.sub(r"</?a\b[^>]*>", "", html))
    return mail.body, " ".join(unescape(shown).split())


def links(text: str) -> set[str]:
    return set(re.findall(r"https?://[^\s<\"]+", text))


def assert_same(text: str, html: str) -> None:
    """All that one says, the other says too, in the same order."""
    assert " ".join(text.replace("----", "").split()) == html.partition("Copytrade ")[2]


@contextmanager
def a_strange_request() -> Iterator[None]:
    """From 203.0.113.7, by a program with markup and a right-to-left override in its name."""
    request = RequestFactory(REMOTE_ADDR="203.0.113.7", HTTP_USER_AGENT="<b>x</b>\u202e").get("/")
    request.user = AnonymousUser()
    with request_context(request):
        yield


def log_in_changed(person: User, change: str) -> None:
    """As the library tells it."""
    with a_strange_request():
        get_adapter().send_notification_mail(change, person)
