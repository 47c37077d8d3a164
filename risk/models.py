"""What a person allows at most, for all copies or one; what passed it; what the platform stops."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from records.bulk import select
from records.fields import MoneyField, PublicIdModel
from risk.checks import Limits
from strategies.models import Strategy
from subscriptions.models import Subscription


class KillSwitch(models.TextChoices):
    OFF = "off", _("Off")
    CLOSE_ONLY = "close_only", _("Close only")
    FREEZE = "freeze", _("Freeze")


class Oversize(models.TextChoices):
    DENY = "deny", _("Deny")
    CUT = "cut", _("Cut to what fits")


_LIMITS = tuple(limit.name for limit in fields(Limits))


class LimitsModel(models.Model):
    """An absent row or value means no limit. Amounts in `currency`."""

    currency = models.CharField(max_length=10, default="USDT")
    max_order_notional = MoneyField(null=True, blank=True)
    max_open_notional = MoneyField(null=True, blank=True)
    max_daily_loss = MoneyField(null=True, blank=True)
    max_slippage_bps = models.PositiveIntegerField(null=True, blank=True)
    max_open_positions = models.PositiveIntegerField(null=True, blank=True)
    max_orders_per_day = models.PositiveIntegerField(null=True, blank=True)
    symbols_allowed = ArrayField(models.CharField(max_length=32), default=list, blank=True)
    symbols_blocked = ArrayField(models.CharField(max_length=32), default=list, blank=True)
    oversize = models.CharField(max_length=4, choices=Oversize.choices, default=Oversize.DENY)
    kill_switch = models.CharField(max_length=10, choices=KillSwitch.choices, default=KillSwitch.OFF)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        abstract = True

    def as_limits(self) -> Limits:
        return Limits(*(getattr(self, name) for name in _LIMITS))


class RiskLimitsQuerySet(models.QuerySet["RiskLimits"]):
    def by_user(self, user_ids: Iterable[int]) -> dict[int, Limits]:
        """The limits of those of the users who have set any."""
        rows = self.filter(user_id__in=user_ids).values_list("user_id", *_LIMITS)
        return {user_id: Limits(*limits) for user_id, *limits in rows}


class RiskLimits(LimitsModel):
    """A person's limits, over all that they copy."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    objects = RiskLimitsQuerySet.as_manager()


class SubscriptionLimitsQuerySet(models.QuerySet["SubscriptionLimits"]):
    def by_subscription(self, subscription_ids: Iterable[int]) -> dict[int, Limits]:
        """The limits of those of the subscriptions that have any."""
        rows = self.filter(subscription_id__in=subscription_ids)
        return {key: Limits(*limits) for key, *limits in rows.values_list("subscription_id", *_LIMITS)}


class SubscriptionLimits(LimitsModel):
    """The limits of one copy; those of its owner hold beside them."""

    subscription = models.OneToOneField(Subscription, on_delete=models.CASCADE, related_name="+")

    objects = SubscriptionLimitsQuerySet.as_manager()


def limits_of_users(user_ids: Iterable[int]) -> dict[int, Limits]:
    """As `by_user`, for each claim: Django needs longer to name many ids than PostgreSQL to find them."""
    return _limits("user_id", "risk_risklimits", user_ids)


def limits_of_copies(subscription_ids: Iterable[int]) -> dict[int, Limits]:
    """As `by_subscription`, likewise."""
    return _limits("subscription_id", "risk_subscriptionlimits", subscription_ids)


def _limits(owner: str, table: str, ids: Iterable[int]) -> dict[int, Limits]:
    columns = ", ".join((owner, *_LIMITS))
    query = f"SELECT {columns} FROM {table} WHERE {owner} = ANY(%s)"  # nosec B608 # noqa: S608 - names of ours
    return {key: Limits(*limits) for key, *limits in select(query, (list(ids),))}


class DayOpening(models.Model):
    """What a copy's result was when its owner's day began: realised, and unrealised at that moment's price.

    In the strategy's quote; written for copies under a daily loss limit.
    """

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    result = MoneyField()
    recorded_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscription", "day"], name="a_day_opens_once"),
        ]


class BreachQuerySet(models.QuerySet["Breach"]):
    def owned_by(self, user_id: int) -> BreachQuerySet:
        return self.filter(user_id=user_id)


class Breach(PublicIdModel):
    """A limit was reached: once for each cause and day. `subscription` None: a limit over all copies."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, null=True, related_name="+")
    rule = models.CharField(max_length=30)
    # Its account and the client order id name the order; never a foreign key upwards.
    copy = models.ForeignKey(Subscription, on_delete=models.PROTECT, null=True, related_name="+")
    client_order_id = models.CharField(max_length=18, blank=True)
    limit = MoneyField()
    value = MoneyField()
    currency = models.CharField(max_length=10, blank=True)
    day = models.DateField()
    at = models.DateTimeField()
    paused_at = models.DateTimeField(null=True, help_text="When copying was paused because of it.")
    acknowledged_at = models.DateTimeField(null=True)

    objects = BreachQuerySet.as_manager()

    class Meta:
        verbose_name_plural = _("breaches")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "subscription", "rule", "day"],
                nulls_distinct=False,
                name="one_breach_per_cause_and_day",
            ),
        ]
        indexes = [models.Index(fields=["user", "-id"], name="breaches_of_a_person")]


class PlatformSwitchQuerySet(models.QuerySet["PlatformSwitch"]):
    def in_force(self) -> PlatformSwitchQuerySet:
        return self.filter(lifted_at=None)


class PlatformSwitch(PublicIdModel):
    """Staff stop trading: everywhere, at one venue, or of one strategy."""

    class Mode(models.TextChoices):
        CLOSE_ONLY = "close_only", _("Close only")
        FREEZE = "freeze", _("Freeze")

    exchange = models.CharField(max_length=32, blank=True, help_text="A ccxt id; empty: every venue.")
    strategy = models.ForeignKey(
        Strategy, on_delete=models.PROTECT, null=True, blank=True, related_name="+", help_text="Empty: all."
    )
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.CLOSE_ONLY)
    reason = models.CharField(max_length=300)
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True)

    objects = PlatformSwitchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = _("platform switches")
        constraints = [
            models.CheckConstraint(
                condition=Q(exchange="") | Q(strategy=None), name="a_switch_is_for_a_venue_or_a_strategy"
            ),
            models.UniqueConstraint(
                fields=["exchange", "strategy"],
                condition=Q(lifted_at=None),
                nulls_distinct=False,
                name="one_switch_in_force_per_place",
            ),
        ]

    def __str__(self) -> str:
        place: Any = self.strategy or self.exchange or _("everywhere")
        return f"{place}: {self.mode}"
