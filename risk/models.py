"""What a person allows at most."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from records.fields import MoneyField
from risk.checks import Limits


class KillSwitch(models.TextChoices):
    OFF = "off", _("Off")
    CLOSE_ONLY = "close_only", _("Close only")
    FREEZE = "freeze", _("Freeze")


_LIMITS = tuple(limit.name for limit in fields(Limits))


class RiskLimitsQuerySet(models.QuerySet["RiskLimits"]):
    def by_user(self, user_ids: Iterable[int]) -> dict[int, Limits]:
        """The limits of those of the users who have set any."""
        rows = self.filter(user_id__in=user_ids).values_list("user_id", *_LIMITS)
        return {user_id: Limits(*limits) for user_id, *limits in rows}


class RiskLimits(models.Model):
    """A person's limits; an absent row or value means no limit. Amounts in `currency`."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    currency = models.CharField(max_length=10, default="USDT")
    max_order_notional = MoneyField(null=True, blank=True)
    max_open_notional = MoneyField(null=True, blank=True)
    max_slippage_bps = models.PositiveIntegerField(null=True, blank=True)
    symbols_blocked = ArrayField(models.CharField(max_length=32), default=list, blank=True)
    kill_switch = models.CharField(max_length=10, choices=KillSwitch.choices, default=KillSwitch.OFF)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = RiskLimitsQuerySet.as_manager()

    def as_limits(self) -> Limits:
        return Limits(*(getattr(self, name) for name in _LIMITS))
