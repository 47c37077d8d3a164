"""What the figures of strategies follow from beside trades, so that everybody can work them out again."""

from __future__ import annotations

from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.flows import transfers_of
from ledger.models import PricePoint, Transfer
from ledger.record_serializers import FlowSerializer, PriceFilters, PriceSerializer
from rest.views import ApiView
from strategies.serializers import InviteQuery
from subscriptions.seeing import readable_with


class FlowsView(ApiView):
    write_scope = "strategies"
    public_reads = True
    filters = InviteQuery
    serializer_class = FlowSerializer

    @extend_schema(
        summary="List the deposits and withdrawals of a strategy's account since its publication",
        description=(
            "They are no result: returns are taken between them. One without a price counts in no figure; "
            "`flows_uncounted` of the performance says how many those are."
        ),
        tags=["strategies"],
        parameters=[InviteQuery],
        responses=FlowSerializer(many=True),
    )
    def get(self, request: Request, strategy_id: UUID) -> Response:
        wanted, now = self.query(), timezone.now()
        seen = readable_with(request.user.pk, code=wanted.get("invite", ""), now=now)
        strategy = get_object_or_404(seen.select_related("exchange_account"), public_id=strategy_id)
        since = strategy.published_at
        if since is None:
            return self.page(Transfer.objects.none(), FlowSerializer)
        return self.page(transfers_of(strategy, since=since, now=now), FlowSerializer)


class PricesView(ApiView):
    write_scope = "strategies"
    filters = PriceFilters
    serializer_class = PriceSerializer
    ordering = "-at"

    @extend_schema(
        summary="List the kept prices of a symbol at an exchange",
        description="The first read in each five minutes; figures value open positions at them.",
        tags=["strategies"],
        parameters=[PriceFilters],
        responses=PriceSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        wanted = self.query()
        rows = PricePoint.objects.filter(exchange=wanted["exchange"], symbol=wanted["symbol"])
        if "from" in wanted:
            rows = rows.filter(at__gte=wanted["from"])
        if "to" in wanted:
            rows = rows.filter(at__lt=wanted["to"])
        return self.page(rows, PriceSerializer)
