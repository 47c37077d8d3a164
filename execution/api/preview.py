"""Previews: what copying would have done to one's money, and what a signal would do to the followers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from exchanges.rounding import EXACT
from execution import services
from execution.api.signals import SIGNALS_NOT_VISIBLE
from execution.api.subscriptions import BODY_EXAMPLE
from execution.preview import (
    DAYS,
    MOST_DAYS,
    MOST_TRADES,
    Preview,
    SignalPreview,
    allocation_to_preview,
    preview_signal,
    preview_subscription,
    shows_trades_to,
)
from execution.reasons import Cut, Reason, Told
from execution.replay import LowestPoint, ReplayedOrder
from execution.serializers import ClientSignalId, SignalSerializer
from rest.errors import Forbidden
from rest.fields import DecimalString, Moment
from rest.serializers import QuerySerializer
from rest.views import ApiView
from strategies.invites import services as invites
from strategies.models import Strategy
from subscriptions.api import person
from subscriptions.serializers import SubscriptionSerializer, terms_of

ORDERS_SHOWN = 200


class Days(serializers.IntegerField):
    """A whole number in a query: digits and nothing else."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, str) or not re.fullmatch("[0-9]{1,9}", data):
            self.fail("invalid")
        return super().to_internal_value(data)


class PreviewQuery(QuerySerializer):
    days = Days(min_value=1, max_value=MOST_DAYS, default=DAYS)


class CountedSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField()
    sentence = serializers.CharField()
    count = serializers.IntegerField()


class ReplayedOrderSerializer(serializers.Serializer[ReplayedOrder]):
    at = Moment()
    symbol = serializers.CharField()
    side = serializers.ChoiceField(choices=["buy", "sell"])
    amount = DecimalString(help_text="In base.")
    price = DecimalString(help_text="The master's.")
    notional = DecimalString(help_text="In quote, as is every sum here.")
    fee = DecimalString()
    realised_pnl = DecimalString()


class LowestPointSerializer(serializers.Serializer[LowestPoint]):
    pnl = DecimalString()
    at = Moment()


class PreviewAnswerSerializer(serializers.Serializer[Any]):
    """`trades` of the master = `copied` + the counts of `skipped`; an exit may take several orders."""

    quote = serializers.CharField()
    allocation = DecimalString()
    days = serializers.IntegerField()
    since = Moment(help_text="Midnight UTC, that many days ago.")
    trades = serializers.IntegerField()
    trades_cut = serializers.BooleanField(help_text=f"Only the last {MOST_TRADES} trades were looked at.")
    copied = serializers.IntegerField()
    skipped = CountedSerializer(many=True)
    cut = CountedSerializer(many=True, help_text="Copied, but smaller than the settings ask for.")
    orders = ReplayedOrderSerializer(many=True, help_text=f"The last {ORDERS_SHOWN}, oldest first.")
    orders_count = serializers.IntegerField(help_text="Of all orders.")
    fees = DecimalString()
    realised_pnl = DecimalString()
    pnl = DecimalString(help_text="Realised and open, at the master's last prices, net of fees.")
    max_drawdown = DecimalString(help_text="The deepest fall from a peak, as a fraction.")
    lowest = LowestPointSerializer(allow_null=True, help_text="The worst result at any of the trades.")
    largest_order = DecimalString()


class SignalPreviewSerializer(SignalSerializer):
    client_signal_id = ClientSignalId(required=False, help_text="Not needed: nothing is sent.")


class SignalPreviewAnswerSerializer(serializers.Serializer[Any]):
    """`followers` = `copied` + the counts of `skipped`."""

    symbol = serializers.CharField()
    side = serializers.ChoiceField(choices=["buy", "sell"])
    amount = DecimalString(help_text="The master's, in base.")
    price = DecimalString(help_text="The limit, or the last price of a market order.")
    notional = DecimalString(help_text="The master's, in quote.")
    followers = serializers.IntegerField()
    copied = serializers.IntegerField()
    copied_amount = DecimalString()
    copied_notional = DecimalString()
    skipped = CountedSerializer(many=True)
    cut = CountedSerializer(many=True, help_text="Copied, but smaller than the settings ask for.")


class SubscriptionPreviewView(ApiView):
    write_scope = "trade"
    filters = PreviewQuery
    serializer_class = PreviewAnswerSerializer
    pagination_class = None

    @extend_schema(
        summary="See what copying would have done",
        description=(
            "The strategy's past trades, copied with these settings and your limits of today. Each copy is "
            "taken to fill at the master's price with your exchange's taker fee; nothing is stored."
        ),
        tags=["subscriptions"],
        parameters=[PreviewQuery],
        request=SubscriptionSerializer,
        responses=PreviewAnswerSerializer,
        examples=[BODY_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        days: int = self.query()["days"]
        given = self.body(SubscriptionSerializer)
        strategy, account, follower = given["strategy"], given["exchange_account"], person(request)
        code, now = given.get("invite") or "", timezone.now()
        invites.admit(strategy=strategy, user_id=follower.pk, code=code, now=now)
        allocation = allocation_to_preview(
            follower=follower, strategy=strategy, account=account, wanted=given.get("allocation")
        )
        if not shows_trades_to(strategy, follower.pk):
            raise Forbidden(SIGNALS_NOT_VISIBLE)
        preview = preview_subscription(
            follower=follower,
            strategy=strategy,
            exchange=account.exchange,
            allocation=allocation,
            terms=terms_of(given),
            days=days,
            now=now,
        )
        answer = {"quote": strategy.quote, "allocation": allocation, "days": days, **_told(preview)}
        return Response(PreviewAnswerSerializer(answer).data)


class SignalPreviewView(ApiView):
    write_scope = "trade"
    serializer_class = SignalPreviewAnswerSerializer
    pagination_class = None

    @extend_schema(
        summary="See what a signal would do",
        description="How many followers would copy it, with how much, and why the others would not.",
        tags=["signals"],
        request=SignalPreviewSerializer,
        responses=SignalPreviewAnswerSerializer,
        examples=[
            OpenApiExample(
                "Buy at market",
                value={"symbol": "BTC/USDT", "side": "buy", "type": "market", "amount": "0.01"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request, strategy_id: UUID) -> Response:
        own = Strategy.objects.select_related("exchange_account").filter(owner_id=request.user.pk)
        strategy = get_object_or_404(own, public_id=strategy_id)
        given = self.body(SignalPreviewSerializer)
        wanted = services.Request(**{"client_signal_id": "", "price": None, **given})
        preview = preview_signal(strategy=strategy, request=wanted, now=timezone.now())
        return Response(SignalPreviewAnswerSerializer(_told_of_signal(wanted, preview)).data)


def _told(preview: Preview) -> dict[str, Any]:
    replay = preview.replay
    return {
        "since": preview.since,
        "trades": replay.trades,
        "trades_cut": preview.is_cut,
        "copied": replay.copied,
        "skipped": _counted(replay.skipped, Reason),
        "cut": _counted(replay.cut, Cut),
        "orders": replay.orders[-ORDERS_SHOWN:],
        "orders_count": len(replay.orders),
        "fees": replay.fees,
        "realised_pnl": replay.realised_pnl,
        "pnl": replay.pnl,
        "max_drawdown": replay.max_drawdown,
        "lowest": replay.lowest,
        "largest_order": replay.largest_order,
    }


def _told_of_signal(wanted: services.Request, preview: SignalPreview) -> dict[str, Any]:
    return {
        "symbol": wanted.symbol,
        "side": wanted.side,
        "amount": wanted.amount,
        "price": preview.price,
        "notional": EXACT.multiply(wanted.amount, preview.price),
        "followers": preview.followers,
        "copied": preview.copied,
        "copied_amount": preview.amount,
        "copied_notional": EXACT.multiply(preview.amount, preview.price),
        "skipped": _counted(preview.skipped, Reason),
        "cut": _counted(preview.cut, Cut),
    }


def _counted(counts: Mapping[str, int], kind: type[Told]) -> list[dict[str, Any]]:
    return [{"reason": code, "sentence": str(kind(code).sentence), "count": n} for code, n in counts.items()]
