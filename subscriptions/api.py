"""The routes of strategies: what may happen to one depends on its followers, so they are served here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Count, IntegerField, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from rest.pagination import MOST_COUNTED, NumberedPages
from rest.views import ApiView
from strategies import search
from strategies.models import Period, Strategy, StrategyQuerySet
from strategies.serializers import (
    InviteQuery,
    ListedSerializer,
    StrategyAnswerSerializer,
    StrategyFilters,
    StrategySerializer,
)
from strategies.services import Offer
from subscriptions import masters
from subscriptions.models import Subscription
from subscriptions.seeing import readable_with

BODY_EXAMPLE = OpenApiExample(
    "A strategy on two coins",
    value={
        "name": "Calm BTC swing",
        "exchange_account": "0199a6f2-7c1e-7d30-9b51-3f1f6a0c2a11",
        "symbols": ["BTC/USDT", "ETH/USDT"],
        "risk_level": "low",
        "min_capital": "100",
        "performance_fee_percent": "10",
        "tags": ["swing"],
        "status": "draft",
    },
    request_only=True,
)
LIST_DESCRIPTION = (
    "Without log-in. Closed ones: `status=closed`; your own, drafts too: `own=true`. `search` forgives "
    "typos. `min_roi`, `max_drawdown` (fractions) and orderings by a figure look at `period` "
    "(`all` if not given); a figure that is not known passes no filter and comes last. `ordering=followers` "
    "is by their number as figures keep it, some minutes old at most. "
    f"Only the first {MOST_COUNTED:,} are counted and can be paged through: narrow the search for others."
)
CHANGE_EXAMPLE = OpenApiExample("Publish", value={"status": "published"}, request_only=True)


def with_followers(rows: StrategyQuerySet) -> StrategyQuerySet:
    """Each with the number of its followers; own copies are in no statistic."""
    counted = (
        Subscription.objects.live()
        .filter(strategy=OuterRef("pk"), own=False)
        .values("strategy")
        .annotate(number=Count("pk"))
    )
    number = Coalesce(Subquery(counted.values("number")), 0, output_field=IntegerField())
    return rows.select_related("owner", "exchange_account").annotate(followers=number)


class StrategiesView(ApiView):
    write_scope = "strategies"
    public_reads = True
    filters = StrategyFilters
    pagination_class = NumberedPages
    serializer_class = StrategyAnswerSerializer

    @extend_schema(
        summary="List published strategies",
        description=LIST_DESCRIPTION,
        tags=["strategies"],
        parameters=[StrategyFilters],
        responses=ListedSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        wanted = self.query()
        rows = _own_ones(request) if wanted.get("own") else _listed(wanted)
        rows = search.with_figures_of(
            _chosen(rows, wanted),
            wanted.get("period", Period.ALL),
            min_roi=wanted.get("min_roi"),
            max_drawdown=wanted.get("max_drawdown"),
        )
        rows = search.ordered(with_followers(rows), wanted.get("ordering", "-created_at"))
        return self.page(rows, ListedSerializer)

    @extend_schema(
        summary="Create a strategy",
        tags=["strategies"],
        request=StrategySerializer,
        responses={201: StrategyAnswerSerializer},
        examples=[BODY_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        wanted = self.body(StrategySerializer)
        status = wanted.pop("status", Strategy.Status.DRAFT)
        account = wanted.pop("exchange_account")
        strategy = masters.create_strategy(
            owner=person(request),
            exchange_account=account,
            offer=Offer(**wanted),
            status=status,
            now=timezone.now(),
        )
        return Response(_answer(strategy, request), status=201)


class StrategyView(ApiView):
    write_scope = "strategies"
    public_reads = True
    filters = InviteQuery
    serializer_class = StrategyAnswerSerializer
    pagination_class = None

    @extend_schema(
        summary="Read a strategy",
        description="A private one: its master, its followers, and who has an `invite` to it.",
        tags=["strategies"],
        parameters=[InviteQuery],
        responses=StrategyAnswerSerializer,
    )
    def get(self, request: Request, strategy_id: UUID) -> Response:
        code = self.query().get("invite", "")
        seen = readable_with(request.user.pk, code=code, now=timezone.now())
        strategy = get_object_or_404(seen, public_id=strategy_id)
        return Response(_answer(strategy, request))

    @extend_schema(
        summary="Change, publish or close a strategy",
        tags=["strategies"],
        request=StrategySerializer(partial=True),
        responses=StrategyAnswerSerializer,
        examples=[CHANGE_EXAMPLE],
    )
    def patch(self, request: Request, strategy_id: UUID) -> Response:
        strategy = _own(request, strategy_id)
        changes = self.body(StrategySerializer, partial=True)
        status = changes.pop("status", None)
        strategy = masters.change_strategy(
            strategy=strategy, changes=changes, status=status, now=timezone.now()
        )
        return Response(_answer(strategy, request))

    @extend_schema(
        summary="Delete a strategy that nobody ever followed",
        tags=["strategies"],
        responses={204: OpenApiResponse(description="It is gone.")},
    )
    def delete(self, request: Request, strategy_id: UUID) -> Response:
        masters.delete_strategy(strategy=_own(request, strategy_id))
        return Response(status=204)


def person(request: Request) -> User:
    """Who asks, of the kind that services take; SignedIn has let nobody else through."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


def _listed(wanted: dict[str, Any]) -> StrategyQuerySet:
    return search.listed_with(wanted.get("status", Strategy.Status.PUBLISHED))


def _own_ones(request: Request) -> StrategyQuerySet:
    return Strategy.objects.filter(owner=person(request))


def _chosen(rows: StrategyQuerySet, wanted: dict[str, Any]) -> StrategyQuerySet:
    if wanted.get("own") and "status" in wanted:
        rows = rows.filter(status=wanted["status"])
    if "search" in wanted:
        rows = search.with_words(rows, wanted["search"])
    if "symbol" in wanted:
        rows = rows.filter(symbols__contains=[wanted["symbol"]])
    if "tag" in wanted:
        rows = rows.filter(tags__contains=[wanted["tag"]])
    if "risk" in wanted:
        rows = rows.filter(risk_level=wanted["risk"])
    if "exchange" in wanted:
        rows = rows.filter(exchange_account__exchange=wanted["exchange"])
    return rows


def _own(request: Request, strategy_id: UUID) -> Strategy:
    return get_object_or_404(Strategy, public_id=strategy_id, owner_id=request.user.pk)


def _answer(strategy: Strategy, request: Request) -> Any:
    row = with_followers(Strategy.objects.all()).get(pk=strategy.pk)
    return StrategyAnswerSerializer(row, context={"request": request}).data
