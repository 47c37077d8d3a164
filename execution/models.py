"""Orders that the platform places."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Exists, F, Min, OuterRef, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from execution.exports.models import ExportJob
from execution.states import AT_THE_VENUE, FINAL, LIVE, Status
from execution.wishes import KeptWishes
from records.bulk import select
from records.fields import MoneyField, PublicIdModel
from strategies.models import Signal, Strategy, StrategySymbol
from subscriptions.models import Subscription
from wallets.models import ExchangeAccount

__all__ = [
    "CoinDifference",
    "CopyOrder",
    "CopyOrderQuerySet",
    "ExportJob",
    "FanOutSlice",
    "KeptWishes",
    "MasterFeed",
    "MasterFeedQuerySet",
    "SweepTurn",
    "SweepTurnQuerySet",
]
# Migrations hold plain words.
AT_THE_VENUE_VALUES = sorted(status.value for status in AT_THE_VENUE)
LIVE_VALUES = sorted(status.value for status in LIVE)
STATUS_CHOICES = [(status.value, status.value.replace("_", " ")) for status in Status]


class CopyOrderQuerySet(models.QuerySet["CopyOrder"]):
    def of_follower(self, user_id: int) -> CopyOrderQuerySet:
        return self.filter(subscription__follower_id=user_id)

    def live(self) -> CopyOrderQuerySet:
        return self.filter(status__in=LIVE)

    def due(self, *, now: datetime) -> CopyOrderQuerySet:
        """Pending ones that should be on their way by now: what a sweep picks up."""
        return self.filter(status=Status.PENDING, due_at__lte=now)

    def first_in_line(self) -> CopyOrderQuerySet:
        """Without those that wait behind an earlier order of their sub-position."""
        earlier = CopyOrder.objects.live().filter(
            subscription=OuterRef("subscription"), symbol=OuterRef("symbol"), pk__lt=OuterRef("pk")
        )
        return self.filter(~Exists(earlier))

    def to_look_up(self, *, now: datetime) -> CopyOrderQuerySet:
        """Orders whose fate only the venue knows."""
        return self.filter(look_up_at__lte=now)


class CopyOrder(PublicIdModel):
    """One order on a follower's account (or, origin `master`, on the master's own).

    Amounts in base, prices and notionals in quote. Identity: origin, subscription, symbol and part
    of the signal or act it comes from; the client order id is a short hash over it.
    """

    class Origin(models.TextChoices):
        SIGNAL = "signal", _("Signal")
        OPENING = "opening", _("Opening")
        CLOSING = "closing", _("Closing")
        STOP = "stop", _("Stop")
        REPAIR = "repair", _("Repair")
        MASTER = "master", _("Master's own")

    class Kind(models.TextChoices):
        ENTRY = "entry", _("Entry")
        EXIT = "exit", _("Exit")

    origin = models.CharField(max_length=8, choices=Origin.choices)
    # Tells two acts of one origin apart: the signal's number, or the closing's.
    origin_number = models.BigIntegerField()
    # Each index and each check costs every order: indexes below begin with these columns, and what the
    # subscription (a master's own: the signal) implies is not checked again.
    subscription = models.ForeignKey(
        Subscription, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    strategy = models.ForeignKey(
        Strategy, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    signal = models.ForeignKey(Signal, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    exchange_account = models.ForeignKey(
        ExchangeAccount, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    part = models.PositiveSmallIntegerField(default=1)
    client_order_id = models.CharField(max_length=18)
    kind = models.CharField(max_length=5, choices=Kind.choices)
    symbol = models.CharField(max_length=32)
    side = models.CharField(max_length=4)
    type = models.CharField(max_length=10)
    status = models.CharField(max_length=16, choices=STATUS_CHOICES, default=Status.PENDING.value)
    reason_code = models.CharField(max_length=40, blank=True)
    reason_text = models.CharField(max_length=300, blank=True)
    # The change of target: an entry as an amount, an exit as a fraction; applied once, at the claim.
    target_change = MoneyField()
    target_applied = models.BooleanField(default=False)
    requested_amount = MoneyField(null=True)
    price = MoneyField(null=True, help_text="The limit; None for a market order.")
    reserved = MoneyField(default=0)
    filled_amount = MoneyField(default=0)
    filled_cost = MoneyField(default=0)
    venue_order_id = models.CharField(max_length=80, blank=True)
    sizing = models.JSONField(default=list)
    earlier_attempts = models.JSONField(null=True, help_text="Those not placed; None for the ordinary order.")
    # The signal's facts, so that lag and slippage are told from one row.
    master_price = MoneyField(null=True)
    signal_at = models.DateTimeField(null=True)
    detected_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True, help_text="Entries only; by the venue's clock.")
    cancel_requested_at = models.DateTimeField(null=True, help_text="A master's own order only.")
    sell_at_most = MoneyField(null=True, help_text="What was found at the venue, once less than is held.")
    # Work lists.
    attempt = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    look_up_at = models.DateTimeField(null=True)
    not_found_count = models.PositiveSmallIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True, help_text="By the venue's clock; signs the request.")
    claimed_by = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    written_in = models.IntegerField(
        null=True,
        editable=False,
        help_text="The database's identity; an order of another one is looked up.",
    )
    submitted_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = CopyOrderQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["origin", "origin_number", "subscription", "symbol", "part"],
                condition=Q(subscription__isnull=False),
                name="one_order_per_origin_subscription_symbol_part",
            ),
            models.UniqueConstraint(
                fields=["signal", "part"],
                condition=Q(subscription=None),
                name="one_order_of_the_master_per_signal",
            ),
            models.UniqueConstraint(
                fields=["exchange_account", "client_order_id"], name="one_order_per_client_order_id"
            ),
            models.UniqueConstraint(
                fields=["subscription", "symbol"],
                condition=Q(status__in=AT_THE_VENUE_VALUES),
                name="one_order_in_flight_per_subscription_and_symbol",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["denied", "skipped", "expired", "rejected"]) | ~Q(reason_code=""),
                name="an_order_not_placed_has_a_code",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=AT_THE_VENUE_VALUES)
                | Q(requested_amount__gt=0, claimed_at__isnull=False),
                name="an_order_at_the_venue_was_claimed",
            ),
            models.CheckConstraint(condition=Q(filled_amount__gte=0), name="a_filled_amount_is_not_negative"),
            models.CheckConstraint(
                condition=Q(subscription__isnull=False) | Q(origin="master"),
                name="only_a_masters_own_order_has_no_subscription",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(status="pending"), name="pending_orders"),
            models.Index(
                fields=["look_up_at"], condition=Q(look_up_at__isnull=False), name="orders_with_a_look_up"
            ),
            models.Index(
                fields=["subscription", "symbol", "id"],
                condition=Q(status__in=LIVE_VALUES),
                name="live_orders_of_a_sub_position",
            ),
            models.Index(fields=["signal"], name="orders_of_a_signal"),
            models.Index(
                fields=["signal"], condition=Q(status__in=LIVE_VALUES), name="live_orders_of_a_signal"
            ),
            models.Index(fields=["subscription", "-id"], name="orders_of_a_subscription"),
            # Orders are written in the order of time: a few bytes for many of them.
            BrinIndex(fields=["created_at"], autosummarize=True, name="orders_by_time"),
        ]

    @property
    def is_final(self) -> bool:
        return self.status in FINAL


def client_order_id(*, origin: str, origin_number: int, owner: int, symbol: str, part: int) -> str:
    """18 of a-z0-9, the same on every attempt. `owner` is the subscription, or the signal for a master.

    Copies begin with `c` (Gate leaves ids that begin with `t` unprefixed), a master's own with `m`.
    """
    digest = hashlib.sha256(f"{origin}|{origin_number}|{owner}|{symbol}|{part}".encode()).digest()
    letters = base64.b32encode(digest[:15]).decode().lower()[:17]
    return ("m" if origin == CopyOrder.Origin.MASTER else "c") + letters


class MasterFeedQuerySet(models.QuerySet["MasterFeed"]):
    def of_account(self, account_id: int) -> MasterFeed:
        """The account's feed; a new one knows of nothing since its first strategy was published."""
        feed = self.filter(exchange_account_id=account_id).first()
        if feed:
            return feed
        claims = StrategySymbol.objects.filter(exchange_account_id=account_id)
        since = claims.aggregate(first=Min("strategy__published_at"))["first"]
        feed, _created = self.get_or_create(exchange_account_id=account_id, defaults={"filled_until": since})
        return feed

    def unheard_since(self, moment: datetime) -> MasterFeedQuerySet:
        """Without a proof of life since then; where there never was one, since the publication."""
        return self.filter(Q(alive_at__lt=moment) | Q(alive_at=None, filled_until__lt=moment))

    def longest_unheard(self) -> list[tuple[str, datetime]]:
        """By venue: when the watched account was last heard of that is silent the longest."""
        watched = StrategySymbol.objects.filter(exchange_account__disconnected_at=None).exclude(
            exchange_account__status=ExchangeAccount.Status.INVALID
        )
        feeds = self.filter(exchange_account__in=watched.values("exchange_account"))
        oldest = feeds.values_list("exchange_account__exchange").annotate(
            heard=Min(Coalesce("alive_at", "filled_until"))
        )
        return list(oldest.order_by("exchange_account__exchange"))

    def heard_since(self, moment: datetime) -> MasterFeedQuerySet:
        return self.filter(alive_at__gte=moment)


class FanOutSlice(models.Model):
    """Followers whose orders of a signal are still to be written: subscriptions with ids in (above, upto].

    A work list: the transaction that writes the orders deletes the row.
    """

    signal = models.ForeignKey(Signal, on_delete=models.PROTECT, related_name="+")
    above = models.BigIntegerField()
    upto = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["signal", "above"], name="a_slice_is_cut_once"),
            models.CheckConstraint(condition=Q(upto__gt=F("above")), name="a_slice_goes_up"),
        ]


class CoinDifference(models.Model):
    """Coins that the books count on a follower's account and that were not there when they were last counted.

    A work list: entries of the coin wait until the row is gone. Seen for long enough, the sub-positions
    shrink to what is there; back again, nothing was.
    """

    exchange_account = models.ForeignKey(ExchangeAccount, on_delete=models.CASCADE, related_name="+")
    asset = models.CharField(max_length=16)
    missing = MoneyField()
    cause = models.CharField(max_length=16)
    since = models.DateTimeField(help_text="Since when so many are missing.")
    counted_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["exchange_account", "asset"], name="one_difference_per_account_and_coin"
            ),
            models.CheckConstraint(condition=Q(missing__gt=0), name="a_difference_is_of_missing_coins"),
        ]


class MasterFeed(models.Model):
    """What is known of a master account's stream: who watches it, until when, how far it has come."""

    exchange_account = models.OneToOneField(ExchangeAccount, on_delete=models.CASCADE, related_name="+")
    leased_by = models.CharField(max_length=80, blank=True)
    leased_until = models.DateTimeField(null=True)
    # Fills up to here are known; the back-fill asks from a minute before.
    filled_until = models.DateTimeField()
    transfers_until = models.DateTimeField(null=True, help_text="The same for deposits and withdrawals.")
    alive_at = models.DateTimeField(null=True, help_text="When the account last answered to its key.")
    # Without a break it has been asked in vain from `unanswered_since` to `asked_at`.
    asked_at = models.DateTimeField(null=True)
    unanswered_since = models.DateTimeField(null=True)
    silent_since = models.DateTimeField(null=True, help_text="Its followers were told that it is silent.")
    mute_at = models.DateTimeField(null=True, help_text="Its stream did not tell what asking found.")

    objects = MasterFeedQuerySet.as_manager()


class SweepTurnQuerySet(models.QuerySet["SweepTurn"]):
    def take(self, *, seconds: float) -> bool:
        """Whether the caller may sweep now: nobody has begun to for so long, by the database's clock."""
        return bool(select(_TAKE_TURN, (seconds,)))


class SweepTurn(models.Model):
    """The one row that says when a worker last began to sweep, so that many workers cost what one costs.

    No lock: where the worker that swept last has died or hangs, the next turn is another's.
    """

    begun_at = models.DateTimeField()

    objects = SweepTurnQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="sweeps_take_turns_on_one_row")]


_TAKE_TURN = """
    INSERT INTO execution_sweepturn AS turn (id, begun_at) VALUES (1, clock_timestamp())
    ON CONFLICT (id) DO UPDATE SET begun_at = excluded.begun_at
        WHERE turn.begun_at <= excluded.begun_at - make_interval(secs => %s)
    RETURNING 1
"""
