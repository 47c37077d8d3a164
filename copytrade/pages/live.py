"""Fragments that pages poll: the same bytes again are answered by 204, so nothing is swapped for nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString


def render_live(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any],
    *,
    address: str,
    every: str,
    key: str = "",
) -> SafeString:
    """The fragment in a frame that asks `address` again, telling by `after` what it already shows.

    `every` empty: what is shown is final, and nothing is asked. `key` tells several of one page apart.
    """
    return _frame(request, _body(request, template, context), template, address=address, every=every, key=key)


def answer_poll(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any],
    *,
    address: str,
    every: str,
    key: str = "",
) -> HttpResponse:
    body = _body(request, template, context)
    if request.GET.get("after") == _cursor(body):
        return HttpResponse(status=204)
    return HttpResponse(_frame(request, body, template, address=address, every=every, key=key))


def signed_out(request: HttpRequest) -> HttpResponse:
    """A poll after the session ended: lead the whole page to the log-in."""
    login = f"{reverse('account_login')}?next={reverse('dashboard')}"
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": login})
    return HttpResponseRedirect(login)


def _body(request: HttpRequest, template: str, context: Mapping[str, Any]) -> SafeString:
    return render_to_string(template, dict(context), request)


def _cursor(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:16]


def _frame(
    request: HttpRequest, body: SafeString, template: str, *, address: str, every: str, key: str
) -> SafeString:
    name = template.rpartition("/")[2].removesuffix(".html").replace("_", "-") + key
    frame = {
        "id": f"live-{name}",
        "address": address,
        "after": _cursor(body),
        "every": every,
        "body": body,
    }
    return render_to_string("shell/live.html", frame, request)
