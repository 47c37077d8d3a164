"""Limits of a person and of one copy, and what reached them.

The answer to a change tells how many orders had left before it.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from compliance.audit import Origin
from execution import tasks
from execution.models import CopyOrder
from execution.services import release_parked_exits
from execution.states import AT_THE_VENUE
from rest.serializers import NoFieldsSerializer
from rest.views import ApiView
from risk import services
from risk.models import Breach, KillSwitch
from risk.serializers import (
    BreachFilters,
    BreachSerializer,
    LimitsAnswerSerializer,
    LimitsSerializer,
    LimitsSetSerializer,
)
from subscriptions.api import person
from subscriptions.models import Subscription

DESCRIPTION = "null or left out: no limit. Nothing new leaves after the answer to a kill switch."
EXAMPLE = OpenApiExample(
    "Some limits",
    value={
        "max_order_notional": "500",
        "max_daily_loss": "100",
        "max_open_positions": 5,
        "oversize": "cut",
        "kill_switch": "off",
    },
    request_only=True,
)


class LimitsView(ApiView):
    write_scope = "trade"
    serializer_class = LimitsAnswerSerializer
    pagination_class = None

    @extend_schema(summary="Read your limits", tags=["risk"], responses=LimitsAnswerSerializer)
    def get(self, request: Request) -> Response:
        return Response(LimitsAnswerSerializer(services.limits_of(person(request))).data)

    @extend_schema(
        summary="Replace all your limits",
        description=DESCRIPTION,
        tags=["risk"],
        request=LimitsSerializer,
        responses=LimitsSetSerializer,
        examples=[EXAMPLE],
    )
    def put(self, request: Request) -> Response:
        user = person(request)
        limits = services.replace_limits(
            user=user, wanted=_wanted(self), now=timezone.now(), origin=Origin.of(request)
        )
        if limits.kill_switch != KillSwitch.FREEZE:
            _release(user.pk)
        answer = LimitsAnswerSerializer(limits).data
        return Response({**answer, "in_flight": in_flight(user.pk)})


class SubscriptionLimitsView(ApiView):
    write_scope = "trade"
    serializer_class = LimitsAnswerSerializer
    pagination_class = None

    @extend_schema(summary="Read the limits of one copy", tags=["risk"], responses=LimitsAnswerSerializer)
    def get(self, request: Request, subscription_id: UUID) -> Response:
        limits = services.limits_of_copy(_copy(request, subscription_id))
        return Response(LimitsAnswerSerializer(limits).data)

    @extend_schema(
        summary="Replace all limits of one copy",
        description=f"{DESCRIPTION} Your own limits hold beside them.",
        tags=["risk"],
        request=LimitsSerializer,
        responses=LimitsSetSerializer,
        examples=[EXAMPLE],
    )
    def put(self, request: Request, subscription_id: UUID) -> Response:
        subscription = _copy(request, subscription_id)
        limits = services.replace_limits_of_copy(
            subscription=subscription, wanted=_wanted(self), now=timezone.now(), origin=Origin.of(request)
        )
        if limits.kill_switch != KillSwitch.FREEZE:
            _release(subscription.follower_id)
        under_way = CopyOrder.objects.filter(subscription=subscription, status__in=AT_THE_VENUE).count()
        return Response({**LimitsAnswerSerializer(limits).data, "in_flight": under_way})


class BreachesView(ApiView):
    write_scope = "trade"
    filters = BreachFilters
    serializer_class = BreachSerializer

    @extend_schema(
        summary="List the limits that were reached",
        description="Once for each cause and day. A day's loss and a stop-loss pause until you resume.",
        tags=["risk"],
        parameters=[BreachFilters],
        responses=BreachSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        wanted = self.query()
        rows = _breaches(request)
        if "acknowledged" in wanted:
            rows = rows.filter(acknowledged_at__isnull=wanted["acknowledged"] == "false")
        return self.page(rows, BreachSerializer)


class AcknowledgeView(ApiView):
    write_scope = "trade"
    serializer_class = BreachSerializer
    pagination_class = None

    @extend_schema(
        summary="Say that you have seen it",
        tags=["risk"],
        request=NoFieldsSerializer,
        responses=BreachSerializer,
    )
    def post(self, request: Request, breach_id: UUID) -> Response:
        breach = get_object_or_404(_breaches(request), public_id=breach_id)
        self.body(NoFieldsSerializer)
        services.acknowledge(breach=breach, now=timezone.now())
        return Response(BreachSerializer(breach).data)


def in_flight(user_id: int) -> int:
    """A person's copy orders that are at a venue, or on the way there."""
    return CopyOrder.objects.of_follower(user_id).filter(status__in=AT_THE_VENUE).count()


def _wanted(view: ApiView) -> services.Wanted:
    given = view.body(LimitsSerializer).items()
    return services.Wanted(**{name: value for name, value in given if value is not None})


def _release(user_id: int) -> None:
    tasks.enqueue_orders(release_parked_exits(user_id=user_id, now=timezone.now()), queue="exits")


def _copy(request: Request, subscription_id: UUID) -> Subscription:
    own = Subscription.objects.owned_by(person(request).pk)
    return get_object_or_404(own, public_id=subscription_id)


def _breaches(request: Request) -> QuerySet[Breach]:
    """Each with the public id of its order: both share account and client order id."""
    order = CopyOrder.objects.filter(
        exchange_account=OuterRef("copy__exchange_account"), client_order_id=OuterRef("client_order_id")
    )
    rows = Breach.objects.owned_by(person(request).pk).select_related("subscription")
    return rows.annotate(order_id_shown=Subquery(order.values("public_id")[:1]))
