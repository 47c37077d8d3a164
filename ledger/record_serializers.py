"""What the API gives of the rows that figures follow from: what came and went, and kept prices."""

from __future__ import annotations

from rest_framework import serializers

from ledger.flows import moved, price_of
from ledger.models import PricePoint, Transfer
from ledger.serializers import Range
from rest.fields import DecimalString, Moment, Word
from strategies.serializers import Symbol


class FlowSerializer(serializers.ModelSerializer[Transfer]):
    """Of rows with their `price` of then. Where it is null, the flow counts in no figure."""

    at = Moment(read_only=True)
    amount = DecimalString(read_only=True)
    fee = DecimalString(read_only=True, help_text="What the exchange took beside it, in the same coin.")
    price = DecimalString(read_only=True, allow_null=True, help_text="In the strategy's quote, at that time.")
    value = serializers.SerializerMethodField(
        method_name="worth",
        help_text="What the account grew (above 0) or shrank by, in the quote; null without a price.",
    )

    class Meta:
        model = Transfer
        fields = ["at", "kind", "asset", "amount", "fee", "price", "value"]
        read_only_fields = fields

    def worth(self, transfer: Transfer) -> str | None:
        price = price_of(transfer)
        return None if price is None else DecimalString().to_representation(moved(transfer) * price)


class PriceFilters(Range):
    exchange = Word(max_length=32)
    symbol = Symbol()


class PriceSerializer(serializers.ModelSerializer[PricePoint]):
    at = Moment(read_only=True, help_text="When the stretch of five minutes begins.")
    read_at = Moment(read_only=True)
    price = DecimalString(read_only=True)

    class Meta:
        model = PricePoint
        fields = ["at", "price", "read_at"]
        read_only_fields = fields
