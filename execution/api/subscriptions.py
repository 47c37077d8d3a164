"""Subscriptions: what they are worth comes from the books, and leaving one looks at its orders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from compliance.audit import Origin
from execution import leaving
from ledger.models import Trade
from ledger.valuation import worth_of
from rest.serializers import NoFieldsSerializer, validated_query
from rest.views import ApiView
from subscriptions import following, services
from subscriptions.api import person
from subscriptions.models import History, Subscription
from subscriptions.serializers import (
    HistorySerializer,
    PositionsQuery,
    SubscriptionAnswerSerializer,
    SubscriptionChangeSerializer,
    SubscriptionFilters,
    SubscriptionSerializer,
    changes_of,
    terms_of,
)

BODY_EXAMPLE = OpenApiExample(
    "Copy in proportion with 1,000 USDT",
    value={
        "strategy": "0199a6f2-7c1e-7d30-9b51-3f1f6a0c2a11",
        "exchange_account": "0199a6f2-8d2f-7e41-8c62-4a2a7b1d3b22",
        "allocation": "1000",
        "sizing": {"mode": "proportional", "value": "1"},
    },
    request_only=True,
)


class SubscriptionsView(ApiView):
    write_scope = "trade"
    filters = SubscriptionFilters
    serializer_class = SubscriptionAnswerSerializer

    @extend_schema(
        summary="List your subscriptions",
        tags=["subscriptions"],
        parameters=[SubscriptionFilters],
        responses=SubscriptionAnswerSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        rows = self.paginate_queryset(_own(request).filter(**self.query())) or []
        return self.get_paginated_response(_answers(rows))

    @extend_schema(
        summary="Follow a strategy",
        description="From now on each of its trades is copied. The keys are checked at the exchange first. "
        "A private strategy takes its master's `invite`, which lets one copy in.",
        tags=["subscriptions"],
        request=SubscriptionSerializer,
        responses={201: SubscriptionAnswerSerializer},
        examples=[BODY_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        given = self.body(SubscriptionSerializer)
        subscription = following.follow(
            follower=person(request),
            strategy=given["strategy"],
            exchange_account=given["exchange_account"],
            allocation=given.get("allocation"),
            terms=terms_of(given),
            now=timezone.now(),
            origin=Origin.of(request),
            invite_code=given.get("invite") or "",
        )
        return Response(_answer(subscription), status=201)


class SubscriptionView(ApiView):
    write_scope = "trade"
    serializer_class = SubscriptionAnswerSerializer
    pagination_class = None

    @extend_schema(
        summary="Read a subscription", tags=["subscriptions"], responses=SubscriptionAnswerSerializer
    )
    def get(self, request: Request, subscription_id: UUID) -> Response:
        return Response(_answer(_one(request, subscription_id)))

    @extend_schema(
        summary="Change, pause or resume a subscription",
        tags=["subscriptions"],
        request=SubscriptionChangeSerializer,
        responses=SubscriptionAnswerSerializer,
        examples=[OpenApiExample("Pause", value={"status": "paused"}, request_only=True)],
    )
    def patch(self, request: Request, subscription_id: UUID) -> Response:
        subscription = _one(request, subscription_id)
        given = self.body(SubscriptionChangeSerializer)
        services.change_subscription(
            subscription=subscription,
            changes=changes_of(given),
            status=given.get("status"),
            now=timezone.now(),
            origin=Origin.of(request),
        )
        return Response(_answer(_one(request, subscription_id)))

    @extend_schema(
        summary="Unsubscribe",
        description="`positions` says whether what it holds is kept or sold; history stays readable.",
        tags=["subscriptions"],
        parameters=[PositionsQuery],
        responses={
            202: SubscriptionAnswerSerializer,
            204: OpenApiResponse(description="It is closed."),
        },
    )
    def delete(self, request: Request, subscription_id: UUID) -> Response:
        subscription = _one(request, subscription_id)
        wanted = validated_query(PositionsQuery, request.query_params)
        left = leaving.leave(subscription=subscription, positions=wanted.get("positions"), now=timezone.now())
        if left.status == Subscription.Status.CLOSED:
            return Response(status=204)
        return Response(_answer(left), status=202)


class OpenPositionsView(ApiView):
    write_scope = "trade"
    pagination_class = None

    @extend_schema(
        summary="Open what the master holds already",
        description=(
            "Buys your share of each position of the master's at today's prices, within your slippage and "
            "your limits. The orders follow in a moment, with `origin` `opening`. What was opened so before "
            "and is still held is not opened again."
        ),
        tags=["subscriptions"],
        request=None,
        responses={202: SubscriptionAnswerSerializer},
    )
    def post(self, request: Request, subscription_id: UUID) -> Response:
        subscription = _one(request, subscription_id)
        self.body(NoFieldsSerializer)
        services.open_positions(subscription=subscription, now=timezone.now())
        return Response(_answer(subscription), status=202)


class SubscriptionHistoryView(ApiView):
    write_scope = "trade"
    serializer_class = HistorySerializer

    @extend_schema(
        summary="Read what was done to a subscription, and by whom",
        tags=["subscriptions"],
        responses=HistorySerializer(many=True),
    )
    def get(self, request: Request, subscription_id: UUID) -> Response:
        rows = History.objects.filter(subscription=_one(request, subscription_id))
        self.query()
        return self.page(rows.select_related("subscription"), HistorySerializer)


class PauseAllView(ApiView):
    write_scope = "trade"
    pagination_class = None

    @extend_schema(
        summary="Pause all your subscriptions",
        tags=["subscriptions"],
        request=None,
        responses=inline_serializer("Paused", {"paused": serializers.IntegerField()}),
    )
    def post(self, request: Request) -> Response:
        self.body(NoFieldsSerializer)
        paused = services.pause_all(follower=person(request), now=timezone.now())
        return Response({"paused": paused})


class CloseAllView(ApiView):
    write_scope = "trade"
    pagination_class = None

    @extend_schema(
        summary="Sell everything that was copied and leave all strategies",
        tags=["subscriptions"],
        request=None,
        responses={
            202: inline_serializer(
                "Leaving", {"closed": serializers.IntegerField(), "closing": serializers.IntegerField()}
            )
        },
    )
    def post(self, request: Request) -> Response:
        self.body(NoFieldsSerializer)
        rows = leaving.leave_all(
            follower=person(request), positions=Subscription.OnUnsubscribe.CLOSE, now=timezone.now()
        )
        closed = sum(row.status == Subscription.Status.CLOSED for row in rows)
        return Response({"closed": closed, "closing": len(rows) - closed}, status=202)


def _own(request: Request) -> QuerySet[Subscription]:
    return Subscription.objects.owned_by(person(request).pk).select_related(
        "strategy__exchange_account", "exchange_account"
    )


def _one(request: Request, subscription_id: UUID) -> Subscription:
    return get_object_or_404(_own(request), public_id=subscription_id)


def _answer(subscription: Subscription) -> Any:
    return _answers([subscription])[0]


def _answers(rows: Sequence[Subscription]) -> Any:
    trades = Trade.objects.filter(subscription__in=[row.pk for row in rows]).with_fees_uncounted()
    context = {
        "worth": worth_of(rows, now=timezone.now()),
        "fees_uncounted": Counter(trades.values_list("subscription_id", flat=True)),
    }
    return SubscriptionAnswerSerializer(rows, many=True, context=context).data
