"""What the API of limits takes and gives."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from rest.fields import DecimalString, Moment, WholeNumber
from rest.serializers import QuerySerializer, StrictSerializer
from risk.models import Breach, KillSwitch, Oversize
from strategies.serializers import MOST_SYMBOLS, Choice, Symbol

MOST_BPS = 10_000
# What orders are paid in.
CURRENCIES = ("USDT", "USDC", "BTC", "ETH")


@extend_schema_field({"oneOf": [{"type": "string", "enum": KillSwitch.values}, {"type": "boolean"}]})
class Switch(serializers.ChoiceField):
    """`off`, `close_only` or `freeze`; true means `close_only`, false and null mean `off`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=KillSwitch.choices, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool):
            return KillSwitch.CLOSE_ONLY if data else KillSwitch.OFF
        if not isinstance(data, str):
            self.fail("invalid_choice", input=str(data)[:40])
        return super().to_internal_value(data)


class LimitsSerializer(StrictSerializer):
    """All limits of a person or of one copy; what is null, empty or left out is no limit."""

    currency = Choice(choices=CURRENCIES, required=False, allow_null=True)
    max_order_notional = DecimalString(minimum=0, required=False, allow_null=True)
    max_open_notional = DecimalString(minimum=0, required=False, allow_null=True)
    max_daily_loss = DecimalString(above=0, required=False, allow_null=True)
    max_slippage_bps = WholeNumber(max_value=MOST_BPS, required=False, allow_null=True)
    max_open_positions = WholeNumber(required=False, allow_null=True)
    max_orders_per_day = WholeNumber(required=False, allow_null=True)
    symbols_allowed = serializers.ListField(
        child=Symbol(), max_length=MOST_SYMBOLS, required=False, allow_null=True
    )
    symbols_blocked = serializers.ListField(
        child=Symbol(), max_length=MOST_SYMBOLS, required=False, allow_null=True
    )
    oversize = Choice(choices=Oversize.choices, required=False, allow_null=True)
    kill_switch = Switch(required=False, allow_null=True)


class LimitsAnswerSerializer(serializers.Serializer[Any]):
    currency = serializers.CharField()
    max_order_notional = DecimalString(allow_null=True)
    max_open_notional = DecimalString(allow_null=True)
    max_daily_loss = DecimalString(allow_null=True)
    max_slippage_bps = serializers.IntegerField(allow_null=True)
    max_open_positions = serializers.IntegerField(allow_null=True)
    max_orders_per_day = serializers.IntegerField(allow_null=True)
    symbols_allowed = serializers.ListField(child=serializers.CharField())
    symbols_blocked = serializers.ListField(child=serializers.CharField())
    oversize = serializers.ChoiceField(choices=Oversize.choices)
    kill_switch = serializers.ChoiceField(choices=KillSwitch.choices)


class LimitsSetSerializer(LimitsAnswerSerializer):
    in_flight = serializers.IntegerField(help_text="Orders that were at the exchanges already.")


class BreachFilters(QuerySerializer):
    # Not a BooleanField: left out of a query, that one is false.
    acknowledged = Choice(choices=["true", "false"], required=False)


class BreachSerializer(serializers.ModelSerializer[Breach]):
    """Of rows with `order_id_shown`, the public id of the order that was denied first."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    rule = serializers.CharField(read_only=True, help_text="The limit's name, or `stop_loss`.")
    subscription = serializers.UUIDField(
        source="subscription.public_id",
        read_only=True,
        allow_null=True,
        default=None,
        help_text="null: a limit over all that you copy.",
    )
    order = serializers.UUIDField(source="order_id_shown", read_only=True, allow_null=True)
    limit = DecimalString(read_only=True)
    value = DecimalString(read_only=True)
    at = Moment(read_only=True)
    acknowledged_at = Moment(read_only=True, allow_null=True)

    class Meta:
        model = Breach
        fields = [
            "id",
            "rule",
            "subscription",
            "order",
            "limit",
            "value",
            "currency",
            "at",
            "acknowledged_at",
        ]
        read_only_fields = fields
