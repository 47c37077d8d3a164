"""What the API of limits takes and gives."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from rest.fields import DecimalString, WholeNumber
from rest.serializers import StrictSerializer
from risk.models import KillSwitch
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
    """All limits of a person; what is null or left out is no limit."""

    currency = Choice(choices=CURRENCIES, required=False, allow_null=True)
    max_order_notional = DecimalString(minimum=0, required=False, allow_null=True)
    max_open_notional = DecimalString(minimum=0, required=False, allow_null=True)
    max_slippage_bps = WholeNumber(max_value=MOST_BPS, required=False, allow_null=True)
    symbols_blocked = serializers.ListField(
        child=Symbol(), max_length=MOST_SYMBOLS, required=False, allow_null=True
    )
    kill_switch = Switch(required=False, allow_null=True)


class LimitsAnswerSerializer(serializers.Serializer[Any]):
    currency = serializers.CharField()
    max_order_notional = DecimalString(allow_null=True)
    max_open_notional = DecimalString(allow_null=True)
    max_slippage_bps = serializers.IntegerField(allow_null=True)
    symbols_blocked = serializers.ListField(child=serializers.CharField())
    kill_switch = serializers.ChoiceField(choices=KillSwitch.choices)


class LimitsSetSerializer(LimitsAnswerSerializer):
    in_flight = serializers.IntegerField(help_text="Orders that were at the exchanges already.")
