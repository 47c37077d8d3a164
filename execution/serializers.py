"""What the API of signals and orders takes and gives."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from execution import explain
from execution.models import CopyOrder
from execution.outcomes import OUTCOMES
from execution.states import Status
from rest.fields import DecimalString, Moment, Reference
from rest.serializers import QuerySerializer, StrictSerializer
from strategies.models import Signal
from strategies.serializers import Choice, Symbol
from subscriptions.models import Subscription
from subscriptions.seeing import nameable
from subscriptions.sizing import written_out


class ClientSignalId(serializers.RegexField):
    """The sender's own name for a signal: 1-64 of `A-Za-z0-9._:-`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(r"^[A-Za-z0-9._:-]{1,64}\Z", max_length=64, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class SignalSerializer(StrictSerializer):
    client_signal_id = ClientSignalId()
    symbol = Symbol()
    side = Choice(choices=["buy", "sell"])
    type = Choice(choices=["market", "limit"])
    amount = DecimalString(above=0, help_text="In base.")
    price = DecimalString(above=0, required=False, allow_null=True, help_text="Of a limit order, in quote.")


class SignalAnswerSerializer(serializers.ModelSerializer[Signal]):
    """Context: `counts`, by signal id how many followers came to which outcome."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    amount = serializers.SerializerMethodField(help_text="Filled; before the first fill what was asked for.")
    price = serializers.SerializerMethodField()
    at = Moment(read_only=True, allow_null=True)
    created_at = Moment(read_only=True)
    reason = serializers.SerializerMethodField()

    class Meta:
        model = Signal
        fields = [
            "id",
            "number",
            "symbol",
            "side",
            "amount",
            "price",
            "at",
            "source",
            "status",
            "reason",
            "client_signal_id",
            "created_at",
        ]
        read_only_fields = fields

    def get_amount(self, signal: Signal) -> str:
        amount = signal.amount if signal.number is not None else signal.requested_amount
        return DecimalString().to_representation(amount or 0)

    def get_price(self, signal: Signal) -> str | None:
        price = signal.price if signal.number is not None else signal.requested_price
        return None if price is None else DecimalString().to_representation(price)

    def get_reason(self, signal: Signal) -> dict[str, str] | None:
        if not signal.reason_code:
            return None
        return {
            "code": signal.reason_code,
            "sentence": signal.reason_text or explain.sentence_of(signal.reason_code),
        }

    def to_representation(self, signal: Signal) -> dict[str, Any]:
        counts = self.context["counts"].get(signal.pk) or dict.fromkeys(OUTCOMES, 0)
        return {**super().to_representation(signal), **counts}


class SignalSentSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    status = serializers.ChoiceField(choices=Signal.Status.choices)


class FollowerOutcomeSerializer(serializers.Serializer[Any]):
    subscription = serializers.UUIDField(allow_null=True, help_text="Only of your own.")
    own = serializers.BooleanField()
    outcome = serializers.ChoiceField(choices=[(name, name) for name in OUTCOMES])
    reason = serializers.CharField(allow_null=True)


class SignalDetailSerializer(SignalAnswerSerializer):
    """Only described here: the view adds the followers."""

    followers = FollowerOutcomeSerializer(many=True, read_only=True)

    class Meta(SignalAnswerSerializer.Meta):
        fields = [*SignalAnswerSerializer.Meta.fields, "followers"]


class OrderFilters(QuerySerializer):
    status = serializers.MultipleChoiceField(
        choices=[(status.value, status.value) for status in Status], required=False
    )
    strategy = Reference(nameable, required=False)
    subscription = Reference(lambda user_id: Subscription.objects.owned_by(user_id), required=False)
    signal = Reference(lambda user_id: Signal.objects.filter(strategy__in=nameable(user_id)), required=False)
    updated_since = Moment(required=False)


class OrderSerializer(serializers.ModelSerializer[CopyOrder]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    subscription = serializers.UUIDField(source="subscription.public_id", read_only=True)
    strategy = serializers.UUIDField(source="strategy.public_id", read_only=True)
    signal = serializers.SerializerMethodField()
    reason = serializers.SerializerMethodField()
    requested_amount = DecimalString(read_only=True, allow_null=True)
    filled_amount = DecimalString(read_only=True)
    average_price = serializers.SerializerMethodField()
    slippage_bps = serializers.SerializerMethodField(help_text="Against the master's price; + is worse.")
    latency_ms = serializers.SerializerMethodField()
    created_at = Moment(read_only=True)
    updated_at = Moment(read_only=True)

    class Meta:
        model = CopyOrder
        fields = [
            "id",
            "subscription",
            "strategy",
            "signal",
            "origin",
            "part",
            "kind",
            "symbol",
            "side",
            "status",
            "reason",
            "requested_amount",
            "filled_amount",
            "average_price",
            "slippage_bps",
            "latency_ms",
            "client_order_id",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields

    def get_signal(self, order: CopyOrder) -> str | None:
        return str(order.signal.public_id) if order.signal else None

    def get_reason(self, order: CopyOrder) -> dict[str, str] | None:
        code = explain.reason_code(order)
        return {"code": code, "sentence": explain.reason_sentence(order)} if code else None

    def get_average_price(self, order: CopyOrder) -> str | None:
        price = explain.average_price(order)
        return None if price is None else DecimalString().to_representation(price)

    def get_slippage_bps(self, order: CopyOrder) -> str | None:
        bps = explain.slippage_bps(order)
        return None if bps is None else DecimalString().to_representation(bps)

    def get_latency_ms(self, order: CopyOrder) -> dict[str, int | None]:
        return explain.latencies_ms(order)


class AttemptSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    submitted_at = Moment(allow_null=True)
    answered_at = Moment(allow_null=True)
    outcome = serializers.ChoiceField(choices=[(name, name) for name in explain.ATTEMPT_OUTCOMES])
    reason = serializers.CharField()
    code = serializers.CharField(help_text="The exchange's own, where it gave one.")
    text = serializers.CharField(help_text="The exchange's own words.")


class StepsField(serializers.JSONField):
    """The kept steps, each in sentences."""

    def to_representation(self, value: Any) -> Any:
        return [written_out(step) for step in value]


class OrderDetailSerializer(OrderSerializer):
    sizing = StepsField(
        read_only=True, help_text="Steps: label, detail, result; `cut`: what made it smaller."
    )
    attempts = serializers.SerializerMethodField(help_text="Each time it was sent, and what came of it.")

    class Meta(OrderSerializer.Meta):
        fields = [*OrderSerializer.Meta.fields, "sizing", "attempts"]

    @extend_schema_field(AttemptSerializer(many=True))
    def get_attempts(self, order: CopyOrder) -> list[Any]:
        return list(AttemptSerializer(explain.attempts(order), many=True).data)
