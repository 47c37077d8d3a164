"""What the API of trades and positions takes and gives."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from rest_framework import serializers

from ledger.models import Position, Trade
from ledger.valuation import average_cost, unrealised_pnl
from rest.fields import DecimalString, Moment, Reference
from rest.serializers import QuerySerializer
from strategies.serializers import Choice, Symbol
from subscriptions.models import Subscription
from subscriptions.serializers import readable


class TradeFilters(QuerySerializer):
    """`from` is included, `to` is not."""

    to = Moment(required=False)
    symbol = Symbol(required=False)
    strategy = Reference(readable, required=False)
    subscription = Reference(lambda user_id: Subscription.objects.owned_by(user_id), required=False)
    side = Choice(choices=["buy", "sell"], required=False)
    updated_since = Moment(required=False)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {**super().get_fields(), "from": Moment(required=False)}


class ExportFilters(TradeFilters):
    format = Choice(choices=["csv", "json"])


def trades_of(user_id: int, wanted: dict[str, Any]) -> QuerySet[Trade]:
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
    """Of rows with `order_id_shown`, the public id of the order that was filled."""

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
        ]
        read_only_fields = fields


class PositionFilters(QuerySerializer):
    symbol = Symbol(required=False)
    strategy = Reference(readable, required=False)
    subscription = Reference(lambda user_id: Subscription.objects.owned_by(user_id), required=False)


class PositionSerializer(serializers.ModelSerializer[Position]):
    """Context: `prices`, by venue and symbol; what has none is unknown."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    subscription = serializers.UUIDField(source="subscription.public_id", read_only=True)
    amount = DecimalString(source="held", read_only=True)
    target = DecimalString(read_only=True)
    average_cost = serializers.SerializerMethodField()
    realised_pnl = DecimalString(read_only=True)
    unrealised_pnl = serializers.SerializerMethodField(help_text="null without a fresh price.")
    fees = DecimalString(read_only=True)

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
        ]
        read_only_fields = fields

    def get_average_cost(self, position: Position) -> str | None:
        cost = average_cost(position)
        return None if cost is None else DecimalString().to_representation(cost)

    def get_unrealised_pnl(self, position: Position) -> str | None:
        subscription = position.subscription
        venue = subscription.exchange_account.exchange if subscription else ""
        result = unrealised_pnl(position, self.context["prices"].get((venue, position.symbol)))
        return None if result is None else DecimalString().to_representation(result)
