"""Invites to a private strategy: make, copy the link, see what became of each, revoke."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from rest_framework import serializers
from rest_framework.exceptions import APIException

from compliance.audit import Origin
from copytrade.pages.studio.own import own_strategy
from rest.fields import Text
from strategies.invites import services
from strategies.invites.models import InviteState
from strategies.models import Invite, Strategy
from subscriptions.invite_api import address_of
from subscriptions.models import Subscription

SHOWN = 50


class InviteForm(forms.Form):
    group = forms.CharField(label=gettext_lazy("Group"), max_length=80, required=False)
    days = forms.IntegerField(
        label=gettext_lazy("Holds for"), min_value=1, max_value=services.MOST_DAYS, initial=services.DAYS
    )

    def clean_group(self) -> str:
        try:
            group: str = Text(allow_blank=True).run_validation(self.cleaned_data["group"])
        except serializers.ValidationError as refusal:
            raise forms.ValidationError([str(line) for line in refusal.detail]) from None
        return group


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def invites(request: HttpRequest, slug: str) -> HttpResponse:
    """List them; a POST makes one, whose link is in this answer and never again."""
    strategy = own_strategy(request, slug)
    now = timezone.now()
    form = InviteForm(request.POST or None)
    link = ""
    if request.method == "POST" and form.is_valid():
        link = _made(request, strategy, form, now)
        form = InviteForm(initial=form.cleaned_data)
    page = Paginator(Invite.objects.filter(strategy=strategy).order_by("-id"), SHOWN).get_page(
        request.GET.get("page")
    )
    context = {
        "strategy": strategy,
        "form": form,
        "link": link,
        "page": page,
        "rows": [(invite, invite.state_at(now)) for invite in page],
        "open": InviteState.OPEN,
        "groups": groups_of(strategy),
        "is_open": strategy.visibility == Strategy.Visibility.PRIVATE
        and strategy.status != Strategy.Status.CLOSED,
    }
    return render(request, "studio/invites.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def revoke(request: HttpRequest, slug: str, public_id: UUID) -> HttpResponse:
    invite = get_object_or_404(Invite, strategy=own_strategy(request, slug), public_id=public_id)
    if services.revoke_invite(invite=invite, origin=Origin.of(request), now=timezone.now()):
        messages.success(request, _("%(invite)s lets nobody in any more.") % {"invite": invite})
    else:
        messages.info(request, _("%(invite)s was used or revoked before.") % {"invite": invite})
    return redirect("studio_invites", slug)


def groups_of(strategy: Strategy) -> list[tuple[str, int]]:
    """How many follow now of those who came in under each label."""
    rows = Subscription.objects.following(strategy.pk).exclude(invite=None).exclude(invite__group="")
    return list(rows.values_list("invite__group").annotate(Count("pk")).order_by("invite__group"))


def _made(request: HttpRequest, strategy: Strategy, form: InviteForm, now: datetime) -> str:
    """The new link, or nothing and the reason as a message."""
    try:
        created = services.create_invite(
            strategy=strategy,
            group=form.cleaned_data["group"],
            days=form.cleaned_data["days"],
            origin=Origin.of(request),
            now=now,
        )
    except APIException as refusal:
        messages.error(request, str(refusal.detail))
        return ""
    return request.build_absolute_uri(address_of(strategy, created.code))
