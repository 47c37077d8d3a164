"""A follower's copy orders, each with its reason."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from execution.models import CopyOrder
from execution.serializers import OrderDetailSerializer, OrderFilters, OrderSerializer
from rest.views import ApiView


class OrdersView(ApiView):
    write_scope = "trade"
    filters = OrderFilters
    serializer_class = OrderSerializer

    @extend_schema(
        summary="List your copy orders",
        tags=["orders"],
        parameters=[OrderFilters],
        responses=OrderSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        return self.page(_chosen(_own(request), self.query()), OrderSerializer)


class OrderView(ApiView):
    write_scope = "trade"
    serializer_class = OrderDetailSerializer
    pagination_class = None

    @extend_schema(
        summary="Read a copy order and how it got its size", tags=["orders"], responses=OrderDetailSerializer
    )
    def get(self, request: Request, order_id: UUID) -> Response:
        return Response(OrderDetailSerializer(get_object_or_404(_own(request), public_id=order_id)).data)


def _own(request: Request) -> QuerySet[CopyOrder]:
    return CopyOrder.objects.of_follower(request.user.pk or 0).select_related(
        "subscription", "strategy", "signal", "exchange_account"
    )


def _chosen(rows: QuerySet[CopyOrder], wanted: dict[str, Any]) -> QuerySet[CopyOrder]:
    if wanted.get("status"):
        rows = rows.filter(status__in=wanted["status"])
    if "updated_since" in wanted:
        rows = rows.filter(updated_at__gte=wanted["updated_since"])
    return rows.filter(
        **{name: wanted[name] for name in ("strategy", "subscription", "signal") if name in wanted}
    )
