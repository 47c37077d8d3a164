"""The pages of notifications."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.notifications import unsubscribing
from accounts.notifications.unsubscribing import LinkInvalid


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Looking changes nothing, as scanners of mails look; sending does, from a mail program too."""
    # The signature proves what a session would; there is none that another site could misuse.
    try:
        if request.method == "POST":
            unsubscribing.unsubscribe(token)
        context = {
            "kinds": unsubscribing.read_token(token)[1],
            "is_done": unsubscribing.is_unsubscribed(token),
        }
    except LinkInvalid as error:
        raise Http404 from error
    return render(request, "notifications/unsubscribe.html", context)
