"""What a person allows at most."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from records.fields import MoneyField


class KillSwitch(models.TextChoices):
    OFF = "off", _("Off")
    CLOSE_ONLY = "close_only", _("Close only")
    FREEZE = "freeze", _("Freeze")


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
