"""Secret addresses for signals from outside: make, copy, revoke."""

from __future__ import annotations

from uuid import UUID

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from rest_framework.exceptions import APIException

from compliance.audit import Origin
from copytrade.pages.studio.own import own_strategy
from strategies import webhooks
from strategies.models import Webhook


@never_cache
@login_required
@reauthentication_required(allow_get=True)  # type: ignore[untyped-decorator]
@require_http_methods(["GET", "POST"])
def hooks(request: HttpRequest, slug: str) -> HttpResponse:
    """List them; a POST makes one, whose address is in this answer and never again."""
    strategy = own_strategy(request, slug)
    address = ""
    if request.method == "POST":
        try:
            made = webhooks.create_webhook(strategy=strategy, origin=Origin.of(request), now=timezone.now())
            address = request.build_absolute_uri(reverse("hook", args=[made.secret]))
        except APIException as refusal:
            messages.error(request, str(refusal.detail))
    context = {
        "strategy": strategy,
        "address": address,
        "hooks": Webhook.objects.filter(strategy=strategy, revoked_at=None).order_by("-id"),
    }
    return render(request, "studio/hooks.html", context)


@login_required
@require_POST
def revoke(request: HttpRequest, slug: str, public_id: UUID) -> HttpResponse:
    webhook = get_object_or_404(Webhook, strategy=own_strategy(request, slug), public_id=public_id)
    webhooks.revoke_webhook(webhook=webhook, origin=Origin.of(request), now=timezone.now())
    messages.success(request, _("%(address)s does not work any more.") % {"address": webhook})
    return redirect("studio_hooks", slug)
