"""/legal/: the terms and the risks, each version of them, and accepting what is in force now."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.consents import VERSIONS, Document, changed_since_accepted, give_consent, in_force
from accounts.models import User
from accounts.person import signed_in
from compliance.audit import Origin


def legal_page(request: HttpRequest, document: str, version: str | None = None) -> HttpResponse:
    """Without a version: the one in force."""
    if document not in VERSIONS:
        raise Http404
    shown = version or in_force(document)
    if shown not in VERSIONS[document]:
        raise Http404
    user = request.user
    context = {
        "document": Document(document),
        "version": shown,
        "in_force": in_force(document),
        "others": [one for one in reversed(VERSIONS[document]) if one != shown],
        "text": f"legal/{document}-{shown}.html",
        "to_accept": changed_since_accepted(user) if isinstance(user, User) else [],
    }
    return render(request, "legal/page.html", context)


@login_required
@require_POST
def accept(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    give_consent(user=user, documents=Document, origin=Origin.of(request), now=timezone.now())
    messages.success(request, _("You accepted the terms and the risks as they are in force now."))
    return redirect("dashboard")
