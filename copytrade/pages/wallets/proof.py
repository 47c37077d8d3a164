"""Who is about to do something that counts proves once more who they are.

What they typed is there afterwards, but for secrets, which are kept nowhere.
"""

from __future__ import annotations

from urllib.parse import urlencode

from allauth.account.decorators import reauthentication_required
from allauth.core.exceptions import ReauthenticationRequired
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

TYPED = "typed_before_proof"


@reauthentication_required  # type: ignore[untyped-decorator]
def _answered_when_proven(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def is_proven(request: HttpRequest) -> bool:
    """Whether the person has given password, code or passkey a moment ago."""
    try:
        _answered_when_proven(request)
    except ReauthenticationRequired:
        return False
    return True


def ask(request: HttpRequest, *, keep: tuple[str, ...]) -> HttpResponse:
    """On to the proof and back to this page, where `typed` finds these fields."""
    typed = {name: request.POST[name][:1000] for name in keep if name in request.POST}
    request.session[TYPED] = {"path": request.path, "fields": typed}
    return redirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': request.path})}")


def typed(request: HttpRequest) -> dict[str, str]:
    """What was typed on this page before the proof; once."""
    if request.session.get(TYPED, {}).get("path") != request.path:
        return {}
    fields: dict[str, str] = request.session.pop(TYPED)["fields"]
    return fields
