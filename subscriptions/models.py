"""Copy relations."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.kyc.models import KycStatus
from records.fields import MoneyField, PublicIdModel
from strategies.models import Invite, Strategy
from wallets.models import ExchangeAccount


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def following(self, strategy_id: int) -> SubscriptionQuerySet:
        """Those that a signal of the strategy must account for."""
        return self.filter(strategy_id=strategy_id).exclude(status=Subscription.Status.CLOSED)

    def owned_by(self, user_id: int) -> SubscriptionQuerySet:
        return self.filter(follower_id=user_id)

    def invited_as(self, strategy_id: int, group: str) -> SubscriptionQuerySet:
        """Those that run of whom the master's invites of this group let in."""
        return self.following(strategy_id).filter(invite__group=group)

    def paused_by_others_than(self, user_id: int) -> SubscriptionQuerySet:
        """Paused by its follower, a limit or the platform: not this one's to resume."""
        last = History.objects.filter(subscription=OuterRef("pk"), act=History.Act.PAUSED).order_by(
            "-at", "-pk"
        )
        paused = self.filter(status=Subscription.Status.PAUSED).annotate(
            paused_by=Subquery(last.values("by")[:1])
        )
        return paused.exclude(paused_by=user_id)

    def live(self) -> SubscriptionQuerySet:
        return self.exclude(status=Subscription.Status.CLOSED)

    def active_of_suspended(self) -> SubscriptionQuerySet:
        """Those of people who may not log in."""
        return self.filter(status=Subscription.Status.ACTIVE, follower__is_active=False)

    def with_levels(self) -> SubscriptionQuerySet:
        """Those with a stop-loss or take-profit that was not reached yet."""
        watched = self.filter(
            stopped_at=None, status__in=[Subscription.Status.ACTIVE, Subscription.Status.PAUSED]
        )
        return watched.filter(Q(stop_loss_percent__isnull=False) | Q(take_profit_percent__isnull=False))

    def fees_due(self, *, month: datetime) -> SubscriptionQuerySet:
        """Those that ended, or that saw this month begin, since their fee was settled last."""
        paying = self.filter(own=False, agreed_fee_percent__gt=0)
        ended = Q(status=Subscription.Status.CLOSED) & (
            Q(fees_settled_at=None) | Q(fees_settled_at__lt=F("closed_at"))
        )
        lived_on = ~Q(status=Subscription.Status.CLOSED) & (
            Q(fees_settled_at=None, created_at__lt=month) | Q(fees_settled_at__lt=month)
        )
        return paying.filter(ended | lived_on)

    def active_without_approval(self) -> SubscriptionQuerySet:
        """Those that buy with real money for somebody whose identity is not approved, or not any more."""
        active = self.filter(status=Subscription.Status.ACTIVE)
        return active.exclude(follower__kyc_status=KycStatus.APPROVED).exclude(
            exchange_account__exchange="paper"
        )


class Subscription(PublicIdModel):
    """A follower's copy of one strategy on one account: a small account of its own, in the quote.

    `cash` = allocation + realised result - fees - cost of open positions; `reserved` is what the
    entries in flight may still spend of it.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        PAUSED = "paused", _("Paused")
        CLOSING = "closing", _("Closing")
        CLOSED = "closed", _("Closed")

    class SizingMode(models.TextChoices):
        PROPORTIONAL = "proportional", _("Proportional")
        FIXED_NOTIONAL = "fixed_notional", _("Fixed amount")
        MULTIPLIER = "multiplier", _("Multiplier")

    class OnUnsubscribe(models.TextChoices):
        KEEP = "keep", _("Keep positions")
        CLOSE = "close", _("Close positions")

    class OnMasterLost(models.TextChoices):
        HOLD = "hold", _("Hold positions")
        CLOSE = "close", _("Close positions")

    follower = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    strategy = models.ForeignKey(Strategy, on_delete=models.PROTECT, related_name="+")
    exchange_account = models.ForeignKey(ExchangeAccount, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ACTIVE)
    allocation = MoneyField()
    cash = MoneyField()
    reserved = MoneyField(default=0)
    realised_pnl = MoneyField(default=0)
    sizing_mode = models.CharField(max_length=16, choices=SizingMode.choices)
    sizing_value = MoneyField()
    max_slippage_bps = models.PositiveIntegerField(null=True, blank=True)
    stop_loss_percent = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    take_profit_percent = models.DecimalField(max_digits=7, decimal_places=2, null=True, blank=True)
    stopped_at = models.DateTimeField(
        null=True, editable=False, help_text="Its stop-loss or take-profit was reached; None after resuming."
    )
    symbols_blocked = ArrayField(models.CharField(max_length=32), default=list, blank=True)
    copy_open_positions = models.BooleanField(default=False)
    on_unsubscribe = models.CharField(max_length=5, choices=OnUnsubscribe.choices, default=OnUnsubscribe.KEEP)
    on_master_lost = models.CharField(max_length=5, choices=OnMasterLost.choices, default=OnMasterLost.HOLD)
    master_may_change = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Its follower lets the master change it together with its group, but for the allocation.",
    )
    own = models.BooleanField(default=False)
    invite = models.ForeignKey(
        Invite, on_delete=models.PROTECT, null=True, editable=False, related_name="+", db_index=False
    )
    agreed_fee_percent = models.DecimalField(
        max_digits=5,
        decimal_places=2,
        default=0,
        db_default=0,
        help_text="As it was at joining.",
    )
    fee_mark = MoneyField(
        default=0, db_default=0, help_text="The result up to which the fee on gains is settled."
    )
    fees_settled_at = models.DateTimeField(null=True, editable=False)
    starts_after_number = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    closed_at = models.DateTimeField(null=True)
    closing_number = models.PositiveSmallIntegerField(
        default=1, help_text="More where a late fill reopened it."
    )

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["strategy", "exchange_account"],
                condition=~Q(status="closed"),
                name="an_account_follows_a_strategy_once",
            ),
            models.UniqueConstraint(
                fields=["invite"], condition=Q(invite__isnull=False), name="an_invite_starts_one_copy"
            ),
            models.CheckConstraint(condition=Q(allocation__gt=0), name="an_allocation_is_positive"),
            models.CheckConstraint(condition=Q(sizing_value__gt=0), name="a_sizing_value_is_positive"),
            models.CheckConstraint(
                condition=Q(stop_loss_percent=None) | Q(stop_loss_percent__gt=0, stop_loss_percent__lte=100),
                name="a_stop_loss_is_a_part_of_the_allocation",
            ),
            models.CheckConstraint(
                condition=Q(take_profit_percent=None) | Q(take_profit_percent__gt=0),
                name="a_take_profit_is_positive",
            ),
            models.CheckConstraint(condition=Q(fee_mark__gte=0), name="a_fee_mark_is_not_negative"),
            models.CheckConstraint(condition=Q(reserved__gte=0), name="reserved_cash_is_not_negative"),
        ]
        indexes = [
            models.Index(fields=["strategy", "id"], condition=~Q(status="closed"), name="live_subscriptions"),
            models.Index(
                fields=["fees_settled_at"],
                condition=Q(own=False, agreed_fee_percent__gt=0) & ~Q(status="closed"),
                name="subscriptions_with_fees",
            ),
            models.Index(
                fields=["id"],
                condition=Q(own=False, agreed_fee_percent__gt=0, status="closed")
                & (Q(fees_settled_at=None) | Q(fees_settled_at__lt=F("closed_at"))),
                name="last_fees_to_settle",
            ),
            models.Index(
                fields=["id"],
                condition=Q(status__in=["active", "paused"], stopped_at=None)
                & (Q(stop_loss_percent__isnull=False) | Q(take_profit_percent__isnull=False)),
                name="subscriptions_with_levels",
            ),
        ]

    def level_reached(self, result: Decimal) -> str | None:
        """`stop_loss` or `take_profit`, if a result (in quote) is at or beyond it."""
        percent = result * 100
        if self.stop_loss_percent is not None and percent <= -self.stop_loss_percent * self.allocation:
            return "stop_loss"
        if self.take_profit_percent is not None and percent >= self.take_profit_percent * self.allocation:
            return "take_profit"
        return None

    @property
    def high_water_mark(self) -> Decimal:
        """The equity above which a fee falls due: it moves with the allocation."""
        mark: Decimal = self.allocation + self.fee_mark
        return mark

    @property
    def available(self) -> Decimal:
        free: Decimal = self.cash - self.reserved
        return free


class HistoryQuerySet(models.QuerySet["History"]):
    def of_allocations(self) -> HistoryQuerySet:
        """Changes of what stands behind a copy, oldest first."""
        return self.filter(act=History.Act.ALLOCATED).order_by("at", "pk")


class History(models.Model):
    """What was done to a copy, by whom, and how it stood from then on. Append-only."""

    class Act(models.TextChoices):
        STARTED = "started", _("Started")
        ALLOCATED = "allocated", _("Allocation changed")
        CHANGED = "changed", _("Settings changed")
        PAUSED = "paused", _("Paused")
        RESUMED = "resumed", _("Resumed")
        CLOSING = "closing", _("Leaving")
        CLOSED = "closed", _("Ended")
        REOPENED = "reopened", _("Reopened by a late fill")

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()
    act = models.CharField(max_length=9, choices=Act.choices)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text="None: the platform.",
    )
    reason = models.CharField(max_length=16, blank=True, help_text="Why the platform did it.")
    allocation_before = MoneyField(null=True)
    allocation = MoneyField()

    objects = HistoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "histories"
        constraints = [
            models.CheckConstraint(
                condition=Q(act="allocated", allocation_before__isnull=False)
                | ~Q(act="allocated") & Q(allocation_before=None),
                name="a_changed_allocation_tells_the_one_before",
            ),
        ]
        indexes = [models.Index(fields=["subscription", "at"], name="history_of_a_subscription")]

    @property
    def change(self) -> Decimal:
        """What came to the copy's cash."""
        before: Decimal = self.allocation if self.allocation_before is None else self.allocation_before
        added: Decimal = self.allocation - before
        return added

    @property
    def by_whom(self) -> str:
        """`follower`, `master` or `platform`."""
        if self.by_id is None:
            return "platform"
        return "follower" if self.by_id == self.subscription.follower_id else "master"


class Opening(models.Model):
    """A follower asked to open what the master holds already.

    A work list, which `execution` empties: it writes the orders, and the row goes with the last of them.
    """

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="+", db_index=False)
    asked_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscription"], name="one_opening_is_asked_for_at_a_time"),
        ]
