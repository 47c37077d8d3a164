"""Sub-positions. Trades name their order and so are served by execution/."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.models import Position
from ledger.serializers import PositionFilters, PositionSerializer
from ledger.valuation import fresh_prices
from rest.views import ApiView


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
        context = {"prices": fresh_prices(keys, now=timezone.now())}
        return self.get_paginated_response(PositionSerializer(page, many=True, context=context).data)
