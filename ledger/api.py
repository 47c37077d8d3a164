"""Sub-positions and figures of strategies. Trades name their order and so are served by execution/."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from ledger import statistics
from ledger.models import Adjustment, Position, Trade
from ledger.serializers import (
    PerformanceFilters,
    PerformanceSerializer,
    PositionFilters,
    PositionSerializer,
)
from ledger.valuation import fresh_prices
from rest.views import ApiView
from strategies.models import Period
from subscriptions.seeing import readable_with


class PositionsView(ApiView):
    write_scope = "trade"
    filters = PositionFilters
    serializer_class = PositionSerializer

    @extend_schema(
        summary="List what you hold through your subscriptions",
        tags=["books"],
        parameters=[PositionFilters],
        responses=PositionSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        own = Position.objects.of_follower(request.user.pk or 0).filter(**self.query())
        page = self.paginate_queryset(own.select_related("subscription__exchange_account")) or []
        keys = {(row.subscription.exchange_account.exchange, row.symbol) for row in page if row.subscription}
        context = {
            "prices": fresh_prices(keys, now=timezone.now()),
            "adjustments": _adjustments_of(page),
            "fees_uncounted": _fees_uncounted_of(page),
        }
        return self.get_paginated_response(PositionSerializer(page, many=True, context=context).data)


def _adjustments_of(positions: Sequence[Position]) -> Mapping[tuple[int, str], Sequence[Adjustment]]:
    """By copy and symbol, newest first."""
    found: dict[tuple[int, str], list[Adjustment]] = defaultdict(list)
    for row in Adjustment.objects.filter(
        subscription__in=[position.subscription_id for position in positions]
    ).order_by("-at", "-pk"):
        found[row.subscription_id, row.symbol].append(row)
    return found


def _fees_uncounted_of(positions: Sequence[Position]) -> Counter[tuple[int, str]]:
    """How many, by copy and symbol."""
    copies = [position.subscription_id for position in positions]
    trades = Trade.objects.filter(subscription__in=copies).with_fees_uncounted()
    return Counter(trades.values_list("subscription_id", "symbol"))


class PerformanceView(ApiView):
    write_scope = "strategies"
    public_reads = True
    filters = PerformanceFilters
    serializer_class = PerformanceSerializer
    pagination_class = None

    @extend_schema(
        summary="Read what a strategy made of its account, and its followers of theirs",
        tags=["strategies"],
        parameters=[PerformanceFilters],
        responses=PerformanceSerializer,
    )
    def get(self, request: Request, strategy_id: UUID) -> Response:
        wanted, now = self.query(), timezone.now()
        seen = readable_with(request.user.pk, code=wanted.get("invite", ""), now=now)
        strategy = get_object_or_404(seen.select_related("exchange_account"), public_id=strategy_id)
        period = Period(wanted.get("period", Period.ALL))
        row = statistics.current(strategy, period, now=now)
        return Response(PerformanceSerializer(row).data)
