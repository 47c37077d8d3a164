"""Signals of a strategy: its master sends them, whoever may see its trades reads them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.response import Response

from execution import services, tasks
from execution.outcomes import follower_outcomes, outcome_counts
from execution.preview import shows_trades_to
from execution.serializers import (
    SignalAnswerSerializer,
    SignalDetailSerializer,
    SignalSentSerializer,
    SignalSerializer,
)
from rest import codes
from rest.errors import Forbidden
from rest.throttles import PerCaller, seconds_to_wait
from rest.views import ApiView
from strategies.models import Signal, Strategy
from strategies.serializers import InviteQuery
from subscriptions.seeing import readable_with

SIGNALS_NOT_VISIBLE = codes.declare(
    "signals_not_visible", "The master shows the trades of this strategy to its followers only, or to nobody."
)
WHO_SEES = (
    "For the master, and for whom `positions_visible_to` names among those who see the strategy: a private "
    "one is seen by its followers and by who has an `invite` to it."
)
# Each signal becomes an order of every follower: a burst would be theirs to pay for.
SIGNALS_PER_MINUTE = 60
BODY_EXAMPLE = OpenApiExample(
    "Buy at market",
    value={
        "client_signal_id": "entry-42",
        "symbol": "BTC/USDT",
        "side": "buy",
        "type": "market",
        "amount": "0.01",
    },
    request_only=True,
)


class SignalRate(PerCaller):
    """Before the nonce, which is not spent on what comes too fast."""

    def allow_request(self, request: Request, view: Any) -> bool:
        if request.method == "POST" and request.user.is_authenticated:
            name = rate_name(request.user.pk, view.kwargs["strategy_id"])
            self._wait = seconds_to_wait(name, limit=SIGNALS_PER_MINUTE)
        return self._wait is None


class SignalsView(ApiView):
    write_scope = "trade"
    throttle_classes = (PerCaller, SignalRate)
    filters = InviteQuery
    serializer_class = SignalAnswerSerializer

    @extend_schema(
        summary="List the signals of a strategy",
        description=WHO_SEES,
        tags=["signals"],
        parameters=[InviteQuery],
        responses=SignalAnswerSerializer(many=True),
    )
    def get(self, request: Request, strategy_id: UUID) -> Response:
        strategy = _readable(request, strategy_id, invite=self.query().get("invite", ""))
        rows = self.paginate_queryset(_signals(strategy, request)) or []
        context = {"counts": outcome_counts([signal.pk for signal in rows])}
        return self.get_paginated_response(SignalAnswerSerializer(rows, many=True, context=context).data)

    @extend_schema(
        summary="Send a signal",
        description="Placed on the master's own account, then copied as it fills. Idempotent by its id.",
        tags=["signals"],
        request=SignalSerializer,
        responses={202: SignalSentSerializer, 200: SignalSentSerializer},
        examples=[BODY_EXAMPLE],
    )
    def post(self, request: Request, strategy_id: UUID) -> Response:
        strategy = _own(request, strategy_id)
        given = self.body(SignalSerializer)
        return place(strategy=strategy, given=given, source=Signal.Source.API, now=timezone.now())


class SignalView(ApiView):
    write_scope = "trade"
    filters = InviteQuery
    serializer_class = SignalDetailSerializer
    pagination_class = None

    @extend_schema(
        summary="Read a signal and where everybody ended",
        description=WHO_SEES,
        tags=["signals"],
        parameters=[InviteQuery],
        responses=SignalDetailSerializer,
    )
    def get(self, request: Request, strategy_id: UUID, signal_id: UUID) -> Response:
        strategy = _readable(request, strategy_id, invite=self.query().get("invite", ""))
        signal = get_object_or_404(_signals(strategy, request), public_id=signal_id)
        context = {"counts": outcome_counts([signal.pk])}
        answer = SignalAnswerSerializer(signal, context=context).data
        followers = follower_outcomes(signal.pk, viewer_id=request.user.pk or 0)
        return Response({**answer, "followers": followers})

    @extend_schema(
        summary="Cancel what rests of a signal's order",
        tags=["signals"],
        request=None,
        responses={
            202: SignalSentSerializer,
            204: OpenApiResponse(description="Nothing rests any more."),
        },
    )
    def delete(self, request: Request, strategy_id: UUID, signal_id: UUID) -> Response:
        strategy = _own(request, strategy_id)
        signal = get_object_or_404(Signal, strategy=strategy, public_id=signal_id)
        order = services.cancel_signal(signal=signal, now=timezone.now())
        if order is None:
            return Response(status=204)
        tasks.enqueue_look_ups()
        return Response(SignalSentSerializer(signal).data, status=202)


def rate_name(user_id: int, strategy_id: UUID) -> str:
    """What a master sends for one strategy, by program or by hand; nobody else's tries count in it."""
    return f"api-signals:{user_id}:{strategy_id}"


def limit_rate(name: str) -> None:
    """One strategy's signals of one way in: 429 above the limit."""
    wait = seconds_to_wait(name, limit=SIGNALS_PER_MINUTE)
    if wait is not None:
        raise Throttled(wait=wait)


def place(*, strategy: Strategy, given: Mapping[str, Any], source: str, now: datetime) -> Response:
    """Send what SignalSerializer gave: 202 for a new signal, 200 for one that was sent before."""
    wanted = services.Request(**{"price": None, **given})
    signal, order = services.send_signal(strategy=strategy, request=wanted, source=source, now=now)
    if order is not None:
        tasks.enqueue_orders([order.pk], queue="signals")
    return Response(SignalSentSerializer(signal).data, status=202 if order else 200)


def _own(request: Request, strategy_id: UUID) -> Strategy:
    rows = Strategy.objects.select_related("exchange_account")
    return get_object_or_404(rows, public_id=strategy_id, owner_id=request.user.pk)


def _signals(strategy: Strategy, request: Request) -> QuerySet[Signal]:
    """What has been traded; what rests, or never came to a trade, is the master's plan and nobody else's."""
    rows = Signal.objects.filter(strategy=strategy)
    return rows if strategy.owner_id == request.user.pk else rows.filter(number__isnull=False)


def _readable(request: Request, strategy_id: UUID, *, invite: str) -> Strategy:
    """A strategy that one sees and whose trades its master shows one."""
    user_id = request.user.pk
    seen = readable_with(user_id, code=invite, now=timezone.now())
    strategy = get_object_or_404(seen, public_id=strategy_id)
    if not shows_trades_to(strategy, user_id):
        raise Forbidden(SIGNALS_NOT_VISIBLE)
    return strategy
