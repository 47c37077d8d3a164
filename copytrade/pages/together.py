"""/subscriptions/change/: one change for several copies, seen before it is made."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods
from rest_framework.exceptions import APIException, ValidationError

from accounts.person import signed_in
from compliance.audit import Origin
from copytrade.pages.api_form import ApiForm, whole
from copytrade.pages.changes_shown import outcome_of
from subscriptions import groups
from subscriptions.models import Subscription, SubscriptionQuerySet
from subscriptions.serializers import SubscriptionChangeSerializer, changes_of

NUMBER = forms.TextInput({"inputmode": "decimal", "autocomplete": "off"})
AS_IT_IS = ("", _("As it is"))


class TogetherForm(ApiForm):
    """What is left empty stays as it is."""

    serializer_class = SubscriptionChangeSerializer
    field_of = {"sizing": "sizing_value"}

    status = forms.ChoiceField(
        label=_("Copying"),
        required=False,
        choices=[AS_IT_IS, ("paused", _("Pause")), ("active", _("Resume"))],
    )
    allocation = forms.CharField(label=_("Allocation of each"), max_length=40, required=False, widget=NUMBER)
    sizing_mode = forms.ChoiceField(
        label=_("Size of each copy"), required=False, choices=[AS_IT_IS, *Subscription.SizingMode.choices]
    )
    sizing_value = forms.CharField(
        label=_("Factor, or fixed amount"), max_length=40, required=False, widget=NUMBER
    )
    max_slippage_bps = forms.CharField(
        label=_("At most worse than the master's price, in bps"), max_length=6, required=False, widget=NUMBER
    )
    stop_loss_percent = forms.CharField(
        label=_("Stop-loss, in % of the allocation"), max_length=10, required=False, widget=NUMBER
    )

    def body(self) -> dict[str, Any]:
        given = self.cleaned_data
        plain = ("status", "allocation", "stop_loss_percent")
        body = {name: given[name] for name in plain if given.get(name)}
        if given["max_slippage_bps"]:
            body["max_slippage_bps"] = whole(given["max_slippage_bps"])
        if given["sizing_mode"] or given["sizing_value"]:
            body["sizing"] = {"mode": given["sizing_mode"], "value": given["sizing_value"]}
        return body


@login_required
@require_http_methods(["GET", "POST"])
def together(request: HttpRequest) -> HttpResponse:
    copies = _changeable(request)
    form = TogetherForm(request.POST or None, request=request)
    chosen = [row for row in copies if str(row.public_id) in request.POST.getlist("copy")]
    refused: dict[int, str] = {}
    if request.method == "POST" and form.is_valid():
        if not chosen or not form.given:
            form.add_error(None, _("Choose at least one copy, and what is to change."))
        elif "confirm" not in request.POST and "back" not in request.POST:
            status, changes = form.given.get("status"), changes_of(form.given)
            outcomes = [outcome_of(row, changes, status) for row in chosen]
            return render(request, "pages/together_preview.html", {"form": form, "outcomes": outcomes})
        elif "confirm" in request.POST:
            try:
                count = _change(request, chosen, form)
            except ValidationError as refusal:
                refused = _by_copy(chosen, refusal)
            except APIException as refusal:
                form.refuse(refusal)
            else:
                text = ngettext("%(n)s copy was changed.", "%(n)s copies were changed.", count)
                messages.success(request, text % {"n": count})
                return redirect("dashboard")
    rows = [(row, row in chosen, refused.get(row.pk, "")) for row in copies]
    context = {"form": form, "rows": rows, "is_refused": bool(refused)}
    return render(request, "pages/together.html", context, status=422 if form.errors or refused else 200)


def _changeable(request: HttpRequest) -> SubscriptionQuerySet:
    mine = Subscription.objects.owned_by(signed_in(request).pk).exclude(status__in=["closing", "closed"])
    return mine.select_related("strategy", "exchange_account__owner").order_by("strategy__name", "pk")


def _change(request: HttpRequest, chosen: list[Subscription], form: TogetherForm) -> int:
    changed = groups.change_own(
        subscriptions=chosen,
        changes=changes_of(form.given),
        status=form.given.get("status"),
        origin=Origin.of(request),
        now=timezone.now(),
    )
    return sum(changed.values())


def _by_copy(chosen: list[Subscription], refusal: ValidationError) -> dict[int, str]:
    """Each refusal beside the copy that it is about."""
    told: Any = refusal.detail
    return {chosen[int(place)].pk: str(lines[0]) for place, lines in told["subscriptions"].items()}
