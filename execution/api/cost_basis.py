"""Disposals by lots, first in first out, as tax tools read them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby

from django.db import transaction
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request

from compliance import audit
from compliance.audit import Origin
from compliance.models import Action
from exchanges.rounding import EXACT
from execution.reported import RatesThen
from ledger.export import CHUNK, LineWriter, cell
from ledger.lots import disposals
from ledger.models import Trade
from ledger.recounting import execution_of
from ledger.serializers import Range, TradeSerializer, trades_of
from rest.views import ApiView
from subscriptions.api import person
from subscriptions.models import Subscription

COLUMNS = (
    "subscription", "symbol", "asset", "quantity", "acquired_at", "disposed_at", "proceeds", "cost_basis",
    "gain", "currency", "method", "cost_rate", "cost_rate_source", "proceeds_rate", "proceeds_rate_source",
    "cost_basis_in_report_currency", "proceeds_in_report_currency", "gain_in_report_currency",
    "report_currency", "fees_uncounted",
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
            "included. `from` and `to` choose sales; purchases count from the beginning. Values stand in "
            "your `report_currency` too: what was paid at the rate of the purchase, what it brought at that "
            "of the sale; empty where no price of that time is known. `fees_uncounted` of the two fees were "
            "taken in a coin without a price, and are in none of these."
        ),
        tags=["books"],
        parameters=[Range],
        responses={200: OpenApiResponse(description="CSV with one header row.")},
    )
    def get(self, request: Request) -> HttpResponseBase:
        wanted = self.query()
        since = wanted.pop("from", None)
        user = person(request)
        rows = trades_of(user.pk, wanted).standing().exclude(subscription=None)
        with transaction.atomic():
            audit.record(
                Action.EXPORT, origin=Origin.of(request), object="cost basis", detail={"format": "csv"}
            )
        response = StreamingHttpResponse(
            _as_csv(rows, since, user.report_currency), content_type="text/csv; charset=utf-8"
        )
        response["Content-Disposition"] = 'attachment; filename="cost-basis.csv"'
        return response


def _as_csv(trades: QuerySet[Trade], since: datetime | None, currency: str) -> Iterator[str]:
    writer = csv.writer(LineWriter())
    yield writer.writerow(COLUMNS)
    related = trades.select_related("subscription", "exchange_account")
    rows = related.order_by("subscription_id", "symbol", "at", "pk").iterator(chunk_size=CHUNK)
    # Apart, as each goes forward in time.
    bought, sold_at = RatesThen(currency), RatesThen(currency)
    for (copy, venue, symbol), group in groupby(rows, _position):
        base, _, quote = symbol.partition("/")
        deals = ((trade.at, execution_of(trade, trade.fee_in_quote)) for trade in group)
        for sold in disposals(deals):
            if since and sold.disposed_at < since:
                continue
            paid = bought.at(sold.acquired_at or sold.disposed_at, exchange=venue, quote=quote)
            brought = sold_at.at(sold.disposed_at, exchange=venue, quote=quote)
            cost, proceeds = paid.of(sold.cost), brought.of(sold.proceeds)
            values = (
                copy.public_id if copy else None, symbol, base, sold.quantity, sold.acquired_at,
                sold.disposed_at, sold.proceeds, sold.cost, sold.gain, quote, "FIFO",
                paid.shown, paid.source, brought.shown, brought.source,
                cost, proceeds, None if cost is None or proceeds is None else EXACT.subtract(proceeds, cost),
                currency, sold.fees_uncounted,
            )  # fmt: skip
            yield writer.writerow([cell(value) for value in values])


def _position(trade: Trade) -> tuple[Subscription | None, str, str]:
    return trade.subscription, trade.exchange_account.exchange, trade.symbol
