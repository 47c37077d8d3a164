"""What the API of trades and positions takes and gives."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ledger.models import Adjustment, Position, Trade, TradeQuerySet
from ledger.valuation import average_cost, unrealised_pnl
from rest import codes
from rest.errors import invalid
from rest.fields import DecimalString, Moment, Reference
from rest.serializers import QuerySerializer
from strategies.models import Period, Statistics
from strategies.serializers import Choice, InviteQuery, Symbol
from subscriptions.models import Subscription
from subscriptions.seeing import nameable

INVERTED_RANGE = codes.declare("inverted_range", "This range ends before it begins.")


class Range(QuerySerializer):
    """`from` is included, `to` is not."""

    to = Moment(required=False)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {**super().get_fields(), "from": Moment(required=False)}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "from" in attrs and "to" in attrs and attrs["from"] > attrs["to"]:
            raise invalid(INVERTED_RANGE, attr="to")
        return attrs


class TradeFilters(Range):
    symbol = Symbol(required=False)
    strategy = Reference(nameable, required=False)
    subscription = Reference(lambda user_id: Subscription.objects.owned_by(user_id), required=False)
    side = Choice(choices=["buy", "sell"], required=False)
    updated_since = Moment(required=False)


class ExportFilters(TradeFilters):
    format = Choice(choices=["csv", "json"])


def trades_of(user_id: int, wanted: dict[str, Any]) -> TradeQuerySet:
    """A person's trades: their copies', and as a master their own fills; filtered."""
    own = Q(subscription__follower_id=user_id) | Q(subscription=None, strategy__owner_id=user_id)
    rows = Trade.objects.filter(own)
    lookups = {
        "from": "at__gte",
        "to": "at__lt",
        "symbol": "symbol",
        "strategy": "strategy",
        "subscription": "subscription",
        "side": "side",
        "updated_since": "created_at__gte",
    }
    return rows.filter(**{lookups[name]: value for name, value in wanted.items() if name in lookups})


class TradeSerializer(serializers.ModelSerializer[Trade]):
    """Of rows with `order_id_shown`, the public id of the order that was filled, and with reversals."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    at = Moment(read_only=True)
    strategy = serializers.UUIDField(source="strategy.public_id", read_only=True)
    subscription = serializers.UUIDField(
        source="subscription.public_id",
        read_only=True,
        allow_null=True,
        default=None,
        help_text="null: as a master.",
    )
    exchange_account = serializers.UUIDField(source="exchange_account.public_id", read_only=True)
    price = DecimalString(read_only=True)
    amount = DecimalString(source="quantity", read_only=True)
    cost = DecimalString(read_only=True)
    fee = DecimalString(read_only=True)
    fee_in_quote = DecimalString(read_only=True, allow_null=True)
    realised_pnl = DecimalString(read_only=True)
    order = serializers.UUIDField(source="order_id_shown", read_only=True, allow_null=True)
    venue_trade_id = serializers.CharField(source="fill.trade_id", read_only=True)
    reverses = serializers.UUIDField(
        source="reverses_shown",
        read_only=True,
        allow_null=True,
        help_text="A correction: the trade that it takes back, with its fee given back.",
    )
    reversed_by = serializers.UUIDField(source="reversed_by_shown", read_only=True, allow_null=True)

    class Meta:
        model = Trade
        fields = [
            "id",
            "at",
            "strategy",
            "subscription",
            "exchange_account",
            "symbol",
            "side",
            "price",
            "amount",
            "cost",
            "fee",
            "fee_asset",
            "fee_in_quote",
            "realised_pnl",
            "order",
            "venue_trade_id",
            "reverses",
            "reversed_by",
        ]
        read_only_fields = fields


class PositionFilters(QuerySerializer):
    symbol = Symbol(required=False)
    strategy = Reference(nameable, required=False)
    subscription = Reference(lambda user_id: Subscription.objects.owned_by(user_id), required=False)


class AdjustmentSerializer(serializers.ModelSerializer[Adjustment]):
    at = Moment(read_only=True)
    amount = DecimalString(read_only=True)
    cost = DecimalString(read_only=True, help_text="What they had cost: it is the copy's cash again.")

    class Meta:
        model = Adjustment
        fields = ["at", "cause", "amount", "cost"]
        read_only_fields = fields


class PositionSerializer(serializers.ModelSerializer[Position]):
    """Context: `prices`, by venue and symbol; what has none is unknown. `adjustments` and `fees_uncounted`,
    by copy and symbol.
    """

    id = serializers.UUIDField(source="public_id", read_only=True)
    subscription = serializers.UUIDField(source="subscription.public_id", read_only=True)
    amount = DecimalString(source="held", read_only=True)
    target = DecimalString(read_only=True)
    average_cost = serializers.SerializerMethodField()
    realised_pnl = DecimalString(read_only=True)
    unrealised_pnl = serializers.SerializerMethodField(help_text="null without a fresh price.")
    fees = DecimalString(read_only=True)
    fees_uncounted = serializers.SerializerMethodField(
        help_text="Fees in coins without a price: neither in `fees` nor in a result or cost here."
    )
    adjustments = serializers.SerializerMethodField(
        help_text="Coins that left without an order of ours, newest first: `amount` is lower by them."
    )

    class Meta:
        model = Position
        fields = [
            "id",
            "subscription",
            "symbol",
            "amount",
            "target",
            "average_cost",
            "realised_pnl",
            "unrealised_pnl",
            "fees",
            "fees_uncounted",
            "adjustments",
        ]
        read_only_fields = fields

    def get_fees_uncounted(self, position: Position) -> int:
        count: int = self.context["fees_uncounted"][position.subscription_id, position.symbol]
        return count

    @extend_schema_field(AdjustmentSerializer(many=True))
    def get_adjustments(self, position: Position) -> Any:
        gone = self.context["adjustments"][position.subscription_id, position.symbol]
        return AdjustmentSerializer(gone, many=True).data

    def get_average_cost(self, position: Position) -> str | None:
        cost = average_cost(position)
        return None if cost is None else DecimalString().to_representation(cost)

    def get_unrealised_pnl(self, position: Position) -> str | None:
        subscription = position.subscription
        venue = subscription.exchange_account.exchange if subscription else ""
        result = unrealised_pnl(position, self.context["prices"].get((venue, position.symbol)))
        return None if result is None else DecimalString().to_representation(result)


class PerformanceFilters(InviteQuery):
    period = Choice(choices=Period.choices, required=False)


class SpreadSerializer(serializers.Serializer[Any]):
    """Half are below `p50`, 99 of 100 below `p99`; null: nothing was copied."""

    p50 = DecimalString(read_only=True, allow_null=True)
    p99 = DecimalString(read_only=True, allow_null=True)


class EquityPointSerializer(serializers.Serializer[Any]):
    at = Moment(read_only=True)
    equity = DecimalString(read_only=True)


def _figure(help_text: str) -> DecimalString:
    return DecimalString(read_only=True, allow_null=True, help_text=help_text)


class PerformanceSerializer(serializers.ModelSerializer[Statistics]):
    """From fills, deposits and withdrawals, and kept prices. Ratios are fractions, null: not known."""

    strategy = serializers.UUIDField(source="strategy.public_id", read_only=True)
    quote = serializers.CharField(source="strategy.quote", read_only=True)
    since = Moment(read_only=True, allow_null=True)
    computed_at = Moment(read_only=True, allow_null=True)
    roi = _figure("Time-weighted: what comes and goes is no result.")
    pnl = _figure("In the quote, net of fees, open positions at their last kept price.")
    max_drawdown = _figure("The deepest fall from a peak, above 0.")
    drawdown_from = Moment(read_only=True, allow_null=True)
    drawdown_at = Moment(read_only=True, allow_null=True)
    sharpe = _figure("Of daily returns, x the root of 365; from 7 days on.")
    sortino = _figure("The same against losses only.")
    win_rate = _figure("Of closed round trips.")
    profit_factor = _figure("Gains of winning round trips / losses of losing ones.")
    trades_per_week = _figure("From a day on.")
    exposure = _figure("The part of the equity in coins, on average over time.")
    followers_median_roi = _figure("Null below 5 followers, the master's own copies left out.")
    assets_copied = DecimalString(read_only=True)
    slippage_bps = serializers.SerializerMethodField(help_text="Against the master's price, + is worse.")
    replication_lag_ms = serializers.SerializerMethodField(help_text="From the master's fill to the copy's.")
    equity_curve = serializers.SerializerMethodField(help_text="At most some 200 points.")

    class Meta:
        model = Statistics
        fields = [
            "strategy", "quote", "period", "since", "computed_at", "roi", "pnl", "max_drawdown",
            "drawdown_from", "drawdown_at", "days", "days_in_loss", "sharpe", "sortino", "win_rate",
            "profit_factor", "round_trips", "average_holding_seconds", "trades", "trades_per_week",
            "exposure", "followers", "followers_in_profit", "followers_in_loss", "followers_median_roi",
            "assets_copied", "slippage_bps", "replication_lag_ms", "flows_uncounted", "fees_uncounted",
            "equity_curve",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(SpreadSerializer)
    def get_slippage_bps(self, row: Statistics) -> Any:
        return SpreadSerializer({"p50": row.slippage_bps_p50, "p99": row.slippage_bps_p99}).data

    @extend_schema_field(SpreadSerializer)
    def get_replication_lag_ms(self, row: Statistics) -> Any:
        return SpreadSerializer({"p50": row.replication_lag_ms_p50, "p99": row.replication_lag_ms_p99}).data

    @extend_schema_field(EquityPointSerializer(many=True))
    def get_equity_curve(self, row: Statistics) -> Any:
        points = [
            {"at": datetime.fromtimestamp(seconds, UTC), "equity": Decimal(equity)}
            for seconds, equity, _ in row.curve
        ]
        return EquityPointSerializer(points, many=True).data
