"""Trades: the books' records, each with the order that it filled."""

from __future__ import annotations

from django.db import transaction
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from compliance import audit
from compliance.audit import Origin
from compliance.models import Action
from execution.trades import with_orders
from ledger.export import FORMS
from ledger.serializers import ExportFilters, TradeFilters, TradeSerializer, trades_of
from rest.views import ApiView
from subscriptions.api import person


class TradesView(ApiView):
    write_scope = "trade"
    filters = TradeFilters
    serializer_class = TradeSerializer

    @extend_schema(
        summary="List your trades",
        description="Your copies', and as a master your own fills (`subscription` null).",
        tags=["books"],
        parameters=[TradeFilters],
        responses=TradeSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        rows = with_orders(trades_of(person(request).pk, self.query()))
        related = rows.select_related("strategy", "subscription", "exchange_account", "fill")
        return self.page(related, TradeSerializer)


class TradesExportView(ApiView):
    write_scope = "trade"
    filters = ExportFilters
    serializer_class = TradeSerializer
    pagination_class = None

    @extend_schema(
        summary="Export your trades",
        description="Streamed. Texts that a spreadsheet would take for formulas begin with one `'`.",
        tags=["books"],
        parameters=[ExportFilters],
        responses={200: OpenApiResponse(description="CSV with one header row, or one JSON array.")},
    )
    def get(self, request: Request) -> HttpResponseBase:
        wanted = self.query()
        form = wanted.pop("format")
        rows = with_orders(trades_of(person(request).pk, wanted))
        with transaction.atomic():
            audit.record(Action.EXPORT, origin=Origin.of(request), object="trades", detail={"format": form})
        response = StreamingHttpResponse(FORMS[form].file_of(rows), content_type=FORMS[form].content_type)
        response["Content-Disposition"] = f'attachment; filename="trades.{form}"'
        return response
