"""The books. Fill, Trade, Adjustment and Posting are append-only by trigger; a correction is a reversal."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ledger.bills.models import Bill, BillCorrection
from records.fields import MoneyField, PublicIdModel
from strategies.models import Strategy
from subscriptions.models import Subscription
from wallets.models import ExchangeAccount

__all__ = [
    "Adjustment",
    "Bill",
    "BillCorrection",
    "Fill",
    "Mark",
    "Position",
    "PositionQuerySet",
    "Posting",
    "PricePoint",
    "Trade",
    "TradeQuerySet",
    "Transfer",
]


class Fill(models.Model):
    """One execution as the venue told it, for a follower's or a master's order."""

    exchange_account = models.ForeignKey(
        ExchangeAccount, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    symbol = models.CharField(max_length=32)
    venue_order_id = models.CharField(max_length=80)
    trade_id = models.CharField(max_length=80)
    # Names the order together with the account; never a foreign key upwards.
    client_order_id = models.CharField(max_length=64, blank=True)
    side = models.CharField(max_length=4)
    price = MoneyField()
    quantity = MoneyField()
    fee = MoneyField()
    fee_asset = models.CharField(max_length=16, blank=True)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                # Binance counts trade ids per symbol, and a self-trade has one id twice.
                fields=["exchange_account", "symbol", "venue_order_id", "trade_id"],
                name="a_fill_is_booked_once",
            ),
            models.CheckConstraint(condition=Q(price__gt=0, quantity__gt=0), name="a_fill_moved_something"),
        ]


class TradeQuerySet(models.QuerySet["Trade"]):
    def of_follower(self, user_id: int) -> TradeQuerySet:
        return self.filter(subscription__follower_id=user_id)

    def of_master(self, strategy_id: int) -> TradeQuerySet:
        return self.filter(strategy_id=strategy_id, subscription=None)

    def standing(self) -> TradeQuerySet:
        """Neither taken back nor taking back another."""
        taken_back = Trade.objects.filter(reverses=OuterRef("pk"))
        return self.filter(~Exists(taken_back), reverses=None)

    def with_fees_uncounted(self) -> TradeQuerySet:
        """Those that stand and whose fee was in a coin without a price: no sum has it."""
        return self.standing().filter(fee_in_quote=None)

    def with_reversals(self) -> TradeQuerySet:
        """Each with the public ids `reverses_shown` and `reversed_by_shown`, or None."""
        reversed_one = Trade.objects.filter(pk=OuterRef("reverses_id"))
        reversal = Trade.objects.filter(reverses=OuterRef("pk"))
        return self.annotate(
            reverses_shown=Subquery(reversed_one.values("public_id")[:1]),
            reversed_by_shown=Subquery(reversal.values("public_id")[:1]),
        )


class Trade(PublicIdModel):
    """The record of one fill: what it cost, what it realised, how far it was from the master.

    A correction is a trade too: it `reverses` another, of the same fill, to the other side and with its fee
    given back. What the trades since then would have realised without the other is its `realised_pnl`.
    """

    fill = models.ForeignKey(Fill, on_delete=models.PROTECT, related_name="+", db_index=False)
    reverses = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    reason = models.CharField(max_length=200, blank=True, db_default="", help_text="Of a reversal.")
    # What the order's subscription and the fill imply is not checked again: each check costs every trade.
    strategy = models.ForeignKey(Strategy, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    # None = the master's own fill.
    subscription = models.ForeignKey(
        Subscription, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    exchange_account = models.ForeignKey(
        ExchangeAccount, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    at = models.DateTimeField()
    symbol = models.CharField(max_length=32)
    side = models.CharField(max_length=4)
    price = MoneyField()
    quantity = MoneyField()
    cost = MoneyField()
    fee = MoneyField()
    fee_asset = models.CharField(max_length=16, blank=True)
    # None = the fee's coin had no price at that moment.
    fee_in_quote = MoneyField(null=True)
    realised_pnl = MoneyField()
    signal_at = models.DateTimeField(null=True)
    master_price = MoneyField(null=True)
    input_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)

    objects = TradeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["fill"], condition=Q(reverses=None), name="a_fill_makes_one_trade"
            ),
            models.UniqueConstraint(
                fields=["reverses"], condition=Q(reverses__isnull=False), name="a_trade_is_reversed_once"
            ),
            models.CheckConstraint(
                condition=Q(reverses=None) | ~Q(reason=""), name="a_reversal_has_a_reason"
            ),
        ]
        indexes = [
            models.Index(F("at").desc(), F("id").desc(), name="trades_newest_first"),
            models.Index(fields=["subscription", "-at"], name="trades_of_a_subscription"),
            models.Index(
                fields=["strategy", "-at"], condition=Q(subscription=None), name="trades_of_a_master"
            ),
            models.Index(
                fields=["subscription", "at"],
                condition=Q(fee_in_quote=None),
                name="trades_with_fees_uncounted",
            ),
        ]


class Adjustment(models.Model):
    """Coins of a sub-position that left without an order of ours: it holds so much less from then on.

    `cost` is what they had cost in quote. It goes back to the copy's cash, so that its result is not touched.
    """

    class Cause(models.TextChoices):
        OWN_TRADING = "own_trading", _("Sold or moved by something else")
        WITHDRAWAL = "withdrawal", _("Withdrawn")
        FEE = "fee", _("Paid as fees")

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="+")
    exchange_account = models.ForeignKey(ExchangeAccount, on_delete=models.PROTECT, related_name="+")
    symbol = models.CharField(max_length=32)
    cause = models.CharField(max_length=16, choices=Cause.choices)
    asset = models.CharField(max_length=16)
    amount = MoneyField()
    cost = MoneyField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0, cost__gte=0), name="an_adjustment_takes_coins"),
        ]
        indexes = [models.Index(fields=["exchange_account", "asset"], name="adjustments_of_a_coin")]


class Posting(models.Model):
    """A positive amount of one asset from a source to a destination: balanced by construction."""

    trade = models.ForeignKey(Trade, on_delete=models.PROTECT, null=True, related_name="+")
    adjustment = models.ForeignKey(
        Adjustment, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    source = models.CharField(max_length=80)
    destination = models.CharField(max_length=80)
    amount = MoneyField()
    asset = models.CharField(max_length=16)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="a_posting_is_positive"),
            models.CheckConstraint(condition=~Q(source=F("destination")), name="a_posting_goes_somewhere"),
            models.CheckConstraint(
                condition=Q(trade=None, adjustment__isnull=False) | Q(trade__isnull=False, adjustment=None),
                name="a_posting_belongs_to_one_entry",
            ),
        ]


class Transfer(models.Model):
    """Coins that came to an account at its venue, or left it: no trade and no result. Append-only."""

    class Kind(models.TextChoices):
        DEPOSIT = "deposit", _("Deposit")
        WITHDRAWAL = "withdrawal", _("Withdrawal")

    exchange_account = models.ForeignKey(ExchangeAccount, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    venue_id = models.CharField(max_length=200)
    asset = models.CharField(max_length=40)
    amount = MoneyField()
    fee = MoneyField(default=0, help_text="What the venue took beside it, in the same coin.")
    at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["exchange_account", "kind", "venue_id"], name="a_transfer_is_booked_once"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="a_transfer_moved_something"),
            models.CheckConstraint(condition=Q(fee__gte=0), name="a_transfers_fee_is_not_negative"),
        ]
        indexes = [models.Index(fields=["exchange_account", "at"], name="transfers_of_an_account")]


class PositionQuerySet(models.QuerySet["Position"]):
    def of_follower(self, user_id: int) -> PositionQuerySet:
        return self.filter(subscription__follower_id=user_id)

    def of_master(self, strategy_id: int) -> PositionQuerySet:
        return self.filter(strategy_id=strategy_id, subscription=None)

    def open(self) -> PositionQuerySet:
        return self.filter(held__gt=0)


class Position(PublicIdModel):
    """A sub-position: what is `held` of a symbol, and the `target` it should be. Base amounts.

    Of a subscription, or (subscription None) of the strategy itself. `cost` is the quote that the
    held amount took, fees included; average cost = cost / held.
    """

    strategy = models.ForeignKey(Strategy, on_delete=models.PROTECT, related_name="+")
    subscription = models.ForeignKey(
        Subscription, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    symbol = models.CharField(max_length=32)
    target = MoneyField(default=0)
    held = MoneyField(default=0)
    cost = MoneyField(default=0)
    realised_pnl = MoneyField(default=0)
    fees = MoneyField(default=0)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = PositionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subscription", "symbol"],
                condition=Q(subscription__isnull=False),
                name="one_position_per_subscription_and_symbol",
            ),
            models.UniqueConstraint(
                fields=["strategy", "symbol"],
                condition=Q(subscription=None),
                name="one_master_position_per_strategy_and_symbol",
            ),
            models.CheckConstraint(condition=Q(target__gte=0), name="a_target_is_not_negative"),
        ]


class MarkQuerySet(models.QuerySet["Mark"]):
    def fresh(self, *, now: datetime) -> MarkQuerySet:
        return self.filter(at__gte=now - Mark.FRESH_FOR)

    def middles(self) -> dict[str, Decimal]:
        """By symbol, whichever venue was read last: by these one currency is turned into another."""
        rows = self.order_by("at").values_list("symbol", Coalesce("middle", "price"))
        return dict(rows)


class Mark(models.Model):
    """The last public price of a symbol at a venue."""

    FRESH_FOR = timedelta(seconds=60)

    exchange = models.CharField(max_length=32)
    symbol = models.CharField(max_length=32)
    price = MoneyField()
    middle = MoneyField(null=True, help_text="Between bid and ask, read with the price.")
    quote_volume_24h = MoneyField(null=True, help_text="Null where the venue does not tell it.")
    at = models.DateTimeField()

    objects = MarkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["exchange", "symbol"], name="one_mark_per_venue_and_symbol"),
            models.CheckConstraint(condition=Q(price__gt=0), name="a_mark_is_positive"),
        ]


class PricePoint(models.Model):
    """The first public price that was read of a symbol in a stretch of five minutes. Append-only.

    What a strategy was worth at any time follows from these and from the fills.
    """

    STRETCH = timedelta(minutes=5)

    exchange = models.CharField(max_length=32)
    symbol = models.CharField(max_length=32)
    at = models.DateTimeField(help_text="When the stretch begins.")
    price = MoneyField()
    read_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["exchange", "symbol", "at"], name="one_price_per_venue_symbol_and_stretch"
            ),
            models.CheckConstraint(condition=Q(price__gt=0), name="a_price_point_is_positive"),
        ]
