"""Strategies that masters publish, and the signals their trades become."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from records.fields import MoneyField, PublicIdModel
from strategies.figures import PerformanceSnapshot, Period, Statistics
from strategies.invites.models import Invite
from wallets.models import ExchangeAccount

__all__ = [
    "Invite",
    "PerformanceSnapshot",
    "Period",
    "Signal",
    "SignalFill",
    "SignalQuerySet",
    "Statistics",
    "Strategy",
    "StrategyQuerySet",
    "StrategySymbol",
    "Webhook",
]


class StrategyQuerySet(models.QuerySet["Strategy"]):
    def listed(self) -> StrategyQuerySet:
        """What anybody may see in the marketplace."""
        return self.filter(status=Strategy.Status.PUBLISHED, visibility=Strategy.Visibility.PUBLIC)

    def visible_to(self, user_id: int | None) -> StrategyQuerySet:
        """Published and closed public ones, and one's own."""
        public = Q(visibility=Strategy.Visibility.PUBLIC) & ~Q(status=Strategy.Status.DRAFT)
        return self.filter(public | Q(owner_id=user_id)) if user_id else self.filter(public)


class Strategy(PublicIdModel):
    """What a master offers to be copied: the trades of one account in some symbols of one quote."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")
        CLOSED = "closed", _("Closed")

    class RiskLevel(models.TextChoices):
        LOW = "low", _("Low")
        MEDIUM = "medium", _("Medium")
        HIGH = "high", _("High")

    class Visibility(models.TextChoices):
        PUBLIC = "public", _("Public")
        PRIVATE = "private", _("Private")

    class PositionsVisibleTo(models.TextChoices):
        EVERYONE = "everyone", _("Everyone")
        FOLLOWERS = "followers", _("Followers")
        NOBODY = "nobody", _("Nobody")

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    exchange_account = models.ForeignKey(ExchangeAccount, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=80)
    slug = models.SlugField(max_length=100, unique=True)
    description = models.TextField(max_length=5000, blank=True)
    symbols = ArrayField(models.CharField(max_length=32))
    quote = models.CharField(max_length=16)
    risk_level = models.CharField(max_length=8, choices=RiskLevel.choices, default=RiskLevel.MEDIUM)
    min_capital = MoneyField(default=0)
    performance_fee_percent = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    max_followers = models.PositiveIntegerField(null=True, blank=True)
    tags = ArrayField(models.CharField(max_length=30), default=list, blank=True, size=10)
    visibility = models.CharField(max_length=8, choices=Visibility.choices, default=Visibility.PUBLIC)
    positions_visible_to = models.CharField(
        max_length=10, choices=PositionsVisibleTo.choices, default=PositionsVisibleTo.EVERYONE
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    max_signal_age_seconds = models.PositiveIntegerField(default=30)
    last_signal_number = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    published_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    objects = StrategyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = _("strategies")
        constraints = [
            models.CheckConstraint(condition=Q(min_capital__gte=0), name="minimum_capital_is_not_negative"),
            models.CheckConstraint(
                condition=Q(performance_fee_percent__gte=0, performance_fee_percent__lte=50),
                name="performance_fee_is_between_0_and_50_percent",
            ),
            models.CheckConstraint(
                condition=Q(status="draft") | Q(published_at__isnull=False) | Q(status="closed"),
                name="a_published_strategy_has_its_date",
            ),
        ]
        indexes = [
            models.Index(
                fields=["-published_at"], condition=Q(status="published"), name="published_strategies"
            ),
            models.Index(
                F("created_at").desc(),
                F("id").desc(),
                condition=Q(status="published", visibility="public"),
                name="listed_newest_first",
            ),
            models.Index(
                fields=["name", "id"],
                condition=Q(status="published", visibility="public"),
                name="listed_by_name",
            ),
            GinIndex(fields=["symbols"], name="strategies_by_symbol"),
            GinIndex(fields=["tags"], name="strategies_by_tag"),
            GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="strategies_of_a_similar_name"),
            GinIndex(SearchVector("name", "description", config="english"), name="strategies_by_word"),
        ]

    def __str__(self) -> str:
        return self.name


class StrategySymbol(models.Model):
    """A symbol of a published strategy: what the watcher looks for, claimed once per account."""

    strategy = models.ForeignKey(Strategy, on_delete=models.CASCADE, related_name="+")
    exchange_account = models.ForeignKey(ExchangeAccount, on_delete=models.PROTECT, related_name="+")
    symbol = models.CharField(max_length=32)
    # Of what the strategy has bought and not sold, this much is not on the account any more.
    coins_left = MoneyField(default=0)
    coins_left_at = models.DateTimeField(null=True, help_text="Nothing of it is bought since.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["exchange_account", "symbol"],
                name="a_symbol_of_an_account_belongs_to_one_published_strategy",
            ),
        ]


class SignalQuerySet(models.QuerySet["Signal"]):
    def to_fan_out(self) -> SignalQuerySet:
        """Numbered signals whose followers have not all been served yet."""
        return self.filter(number__isnull=False, fanned_out_at=None)

    def standing_still(self, *, since: datetime) -> SignalQuerySet:
        """Of whom nothing was written since that moment: whoever was at it is gone."""
        return self.filter(Q(fan_out_moved_at=None, detected_at__lt=since) | Q(fan_out_moved_at__lt=since))

    def unfinished(self, *, before: datetime) -> set[int]:
        """Written for everybody before that moment, and still being copied by what they say."""
        rows = self.filter(status=Signal.Status.COPYING, fanned_out_at__lt=before)
        return set(rows.values_list("pk", flat=True))


class Signal(PublicIdModel):
    """One increment of a master's order: fills gathered until the order's end, at most 100 ms.

    `amount` is in base, `price` the average in quote. A signal that a master sent through the API has
    no number before its first fill.
    """

    class Source(models.TextChoices):
        WATCHED = "watched", _("Watched")
        API = "api", _("API")
        WEBHOOK = "webhook", _("Webhook")

    class Status(models.TextChoices):
        PLACING = "placing", _("Placing")
        OPEN = "open", _("Open")
        COPYING = "copying", _("Copying")
        DONE = "done", _("Done")
        REJECTED = "rejected", _("Rejected")
        CANCELED = "canceled", _("Canceled")

    strategy = models.ForeignKey(Strategy, on_delete=models.PROTECT, related_name="+")
    number = models.BigIntegerField(null=True)
    symbol = models.CharField(max_length=32)
    side = models.CharField(max_length=4)
    amount = MoneyField()
    price = MoneyField(null=True)
    venue_order_id = models.CharField(max_length=80, blank=True)
    # Facts for sizing, read once: None = unknown.
    master_equity = MoneyField(null=True)
    exit_fraction = MoneyField(null=True)
    order_amount = MoneyField(null=True, help_text="The whole order's amount.")
    at = models.DateTimeField(null=True, help_text="Venue time of the last fill.")
    detected_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    source = models.CharField(max_length=8, choices=Source.choices, default=Source.WATCHED)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.COPYING)
    # What the master asked for through the API or a webhook.
    client_signal_id = models.CharField(max_length=64, blank=True)
    requested_type = models.CharField(max_length=10, blank=True)
    requested_amount = MoneyField(null=True)
    requested_price = MoneyField(null=True)
    reason_code = models.CharField(max_length=40, blank=True)
    reason_text = models.CharField(max_length=300, blank=True)
    # Of a coin too thin for all: by venue the part of each wish that may be copied, from the fan-out's start.
    thin_shares = models.JSONField(null=True)
    # How far the followers are cut into slices: round the subscriptions from `fan_out_start`.
    fan_out_start = models.BigIntegerField(null=True)
    fan_out_cursor = models.BigIntegerField(null=True)
    fan_out_is_planned = models.BooleanField(default=False)
    fan_out_moved_at = models.DateTimeField(null=True)
    fanned_out_at = models.DateTimeField(null=True)

    objects = SignalQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["strategy", "number"], name="signals_are_numbered_per_strategy"),
            models.UniqueConstraint(
                fields=["strategy", "client_signal_id"],
                condition=~Q(client_signal_id=""),
                name="one_signal_per_client_signal_id",
            ),
            models.CheckConstraint(condition=Q(side__in=["buy", "sell"]), name="a_signal_buys_or_sells"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="a_signal_has_an_amount"),
            models.CheckConstraint(
                condition=Q(number=None) | Q(price__gt=0, amount__gt=0, at__isnull=False),
                name="a_numbered_signal_has_been_filled",
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"],
                condition=Q(fanned_out_at=None, number__isnull=False),
                name="signals_to_fan_out",
            ),
            models.Index(fields=["id"], condition=Q(status="copying"), name="signals_being_copied"),
            models.Index(F("created_at").desc(), F("id").desc(), name="signals_newest_first"),
            models.Index(fields=["strategy", "venue_order_id"], name="signals_of_a_masters_order"),
        ]

    @property
    def is_exit(self) -> bool:
        return self.side == "sell"


class SignalFill(models.Model):
    """A master's fill that went into a signal; the key makes a repeated event a no-op."""

    signal = models.ForeignKey(Signal, on_delete=models.PROTECT, related_name="+")
    exchange_account = models.ForeignKey(ExchangeAccount, on_delete=models.PROTECT, related_name="+")
    symbol = models.CharField(max_length=32)
    venue_order_id = models.CharField(max_length=80)
    trade_id = models.CharField(max_length=80)
    price = MoneyField()
    quantity = MoneyField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["exchange_account", "symbol", "venue_order_id", "trade_id"],
                name="a_masters_fill_is_one_signals",
            ),
        ]


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def usable(self) -> WebhookQuerySet:
        """Not revoked, and of somebody who may still log in."""
        return self.filter(revoked_at=None, strategy__owner__is_active=True)


class Webhook(PublicIdModel):
    """A secret address that takes signals for a strategy. Only a digest of the secret is kept."""

    strategy = models.ForeignKey(Strategy, on_delete=models.CASCADE, related_name="+")
    prefix = models.CharField(max_length=10, help_text="The secret's first characters, to recognise it.")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["strategy", "-id"], name="webhooks_of_a_strategy")]

    def __str__(self) -> str:
        return f"{self.prefix}…"
