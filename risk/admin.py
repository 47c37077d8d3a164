from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from accounts.models import User
from compliance.audit import Origin
from records.look_only import LookOnly
from risk import platform
from risk.models import Breach, PlatformSwitch


@admin.register(Breach)
class BreachAdmin(LookOnly):
    list_display = ["rule", "user", "subscription", "limit", "value", "currency", "at", "acknowledged_at"]
    list_filter = ["rule"]
    list_select_related = ["user", "subscription"]
    search_fields = ["=public_id", "=user__email"]


class SwitchForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = PlatformSwitch
        fields = ["exchange", "strategy", "mode", "reason"]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if given.get("exchange") and given.get("strategy"):
            raise forms.ValidationError(_("Choose a venue or a strategy, not both; none stops everything."))
        return given

    def validate_unique(self) -> None:
        """A switch that is in force already is set anew."""

    def validate_constraints(self) -> None:
        """The same."""


@admin.register(PlatformSwitch)
class PlatformSwitchAdmin(ModelAdmin):  # type: ignore[misc]
    """Setting and lifting go through the services, which wait for what is at work and keep the record."""

    form = SwitchForm
    list_display = ["exchange", "strategy", "mode", "reason", "set_by", "set_at", "lifted_at"]
    list_select_related = ["strategy", "set_by"]
    autocomplete_fields = ["strategy"]
    actions = ["lift"]
    ordering = ["-id"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # The list's action needs it; a single switch is not edited.
        return obj is None and bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: PlatformSwitch, form: Any, change: bool) -> None:
        if isinstance(request.user, User):
            kept = platform.stop_platform(
                staff=request.user,
                mode=obj.mode,
                reason=obj.reason,
                exchange=obj.exchange,
                strategy=obj.strategy,
                now=timezone.now(),
                origin=Origin.of(request),
            )
            obj.pk, obj.public_id = kept.pk, kept.public_id

    @admin.action(description=_("Lift: let trading go on"), permissions=["change"])
    def lift(self, request: HttpRequest, chosen: QuerySet[PlatformSwitch]) -> None:
        if isinstance(request.user, User):
            for switch in chosen:
                platform.lift(
                    switch=switch, staff=request.user, now=timezone.now(), origin=Origin.of(request)
                )
