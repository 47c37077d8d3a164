"""Disposals by lots, first in first out, as tax tools read them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request

from compliance import audit
from compliance.audit import Origin
from compliance.models import Action
from ledger.export import CHUNK, LineWriter, cell
from ledger.lots import disposals
from ledger.models import Trade
from ledger.recounting import execution_of
from ledger.serializers import Range, TradeSerializer, trades_of
from rest.views import ApiView
from subscriptions.api import person

COLUMNS = (
    "subscription", "symbol", "asset", "quantity", "acquired_at", "disposed_at", "proceeds", "cost_basis",
    "gain", "currency", "method",
)  # fmt: skip


class CostBasisView(ApiView):
    write_scope = "trade"
    filters = Range
    serializer_class = TradeSerializer
    pagination_class = None

    @extend_schema(
        summary="Export what your copies sold, by lots",
        description=(
            "CSV for tax tools: each sale with the purchases that it came out of, first in first out, fees "
            "included. `from` and `to` choose sales; purchases count from the beginning."
        ),
        tags=["books"],
        parameters=[Range],
        responses={200: OpenApiResponse(description="CSV with one header row.")},
    )
    def get(self, request: Request) -> HttpResponseBase:
        wanted = self.query()
        since = wanted.pop("from", None)
        rows = trades_of(person(request).pk, wanted).standing().exclude(subscription=None)
        with transaction.atomic():
            audit.record(
                Action.EXPORT, origin=Origin.of(request), object="cost basis", detail={"format": "csv"}
            )
        response = StreamingHttpResponse(_as_csv(rows, since), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="cost-basis.csv"'
        return response


def _as_csv(trades: QuerySet[Trade], since: Any) -> Iterator[str]:
    writer = csv.writer(LineWriter())
    yield writer.writerow(COLUMNS)
    ordered = trades.select_related("subscription").order_by("subscription_id", "symbol", "at", "pk")
    rows = ordered.iterator(chunk_size=CHUNK)
    for (copy, symbol), group in groupby(rows, lambda row: (row.subscription, row.symbol)):
        base, _, quote = symbol.partition("/")
        deals = ((trade.at, execution_of(trade, trade.fee_in_quote)) for trade in group)
        for sold in disposals(deals):
            if since and sold.disposed_at < since:
                continue
            values = (
                copy.public_id if copy else None, symbol, base, sold.quantity, sold.acquired_at,
                sold.disposed_at, sold.proceeds, sold.cost, sold.gain, quote, "FIFO",
            )  # fmt: skip
            yield writer.writerow([cell(value) for value in values])
