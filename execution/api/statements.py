"""A copy's statement: JSON for programs, CSV for a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from compliance import audit
from compliance.audit import Origin
from compliance.models import Action
from execution.statement import Balance, Statement, statement_of
from execution.trades import with_orders
from ledger.export import LineWriter, cell
from ledger.serializers import Range, TradeSerializer
from rest.fields import DecimalString, Moment
from rest.views import ApiView
from strategies.serializers import Choice
from subscriptions.api import person
from subscriptions.models import Subscription


class StatementFilters(Range):
    format = Choice(choices=["json", "csv"], required=False)


class HeldSerializer(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    amount = DecimalString()
    cost = DecimalString()
    price = DecimalString(allow_null=True)
    value = DecimalString(allow_null=True)


class BalanceSerializer(serializers.Serializer[Any]):
    at = Moment()
    cash = DecimalString()
    realised_pnl = DecimalString()
    positions = HeldSerializer(many=True)
    equity = DecimalString(allow_null=True, help_text="null without a price of that time.")
    rate = DecimalString(allow_null=True, help_text="One unit of `currency` in `report_currency`.")
    rate_source = serializers.CharField()
    equity_in_report_currency = DecimalString(source="reported", allow_null=True)


class TransferSerializer(serializers.Serializer[Any]):
    at = Moment()
    kind = serializers.CharField()
    asset = serializers.CharField()
    amount = DecimalString()
    fee = DecimalString()


class AllocationSerializer(serializers.Serializer[Any]):
    at = Moment()
    by = serializers.CharField(source="by_whom", help_text="`follower`, `master` or `platform`.")
    allocation_before = DecimalString()
    allocation = DecimalString()


class StatementSerializer(serializers.Serializer[Any]):
    subscription = serializers.UUIDField(source="subscription.public_id")
    strategy = serializers.UUIDField(source="subscription.strategy.public_id")
    exchange_account = serializers.UUIDField(source="subscription.exchange_account.public_id")
    currency = serializers.CharField(source="subscription.strategy.quote")
    report_currency = serializers.CharField(source="subscription.follower.report_currency")
    allocation = DecimalString(source="subscription.allocation")
    opening = BalanceSerializer()
    trades = TradeSerializer(source="trades_shown", many=True)
    transfers = TransferSerializer(many=True)
    allocations = AllocationSerializer(many=True, help_text="Each change of the allocation.")
    fees = DecimalString()
    fees_unknown = serializers.IntegerField(help_text="Trades whose fee had no price: not in `fees`.")
    performance_fee = DecimalString()
    closing = BalanceSerializer()


class StatementView(ApiView):
    write_scope = "trade"
    filters = StatementFilters
    serializer_class = StatementSerializer
    pagination_class = None

    @extend_schema(
        summary="Read a copy's statement",
        description=(
            "Opening (the last closing), trades, deposits and withdrawals of the account, changes of the "
            "allocation, fees, closing. "
            "`from` is by default when the copy began, `to` now; a later closing stands as it does now. "
            "`format=csv`: the same in rows."
        ),
        tags=["books"],
        parameters=[StatementFilters],
        responses={
            (200, "application/json"): StatementSerializer,
            (200, "text/csv"): OpenApiResponse(str, description="The same in rows."),
        },
    )
    def get(self, request: Request, subscription_id: UUID) -> HttpResponseBase:
        rows = Subscription.objects.owned_by(person(request).pk)
        related = rows.select_related("strategy", "follower", "exchange_account")
        subscription = get_object_or_404(related, public_id=subscription_id)
        wanted = self.query()
        now = timezone.now()
        statement = statement_of(
            subscription,
            since=wanted.get("from", subscription.created_at),
            until=wanted.get("to", now),
            now=now,
        )
        if wanted.get("format") != "csv":
            return Response(_as_json(statement))
        with transaction.atomic():
            audit.record(
                Action.EXPORT,
                origin=Origin.of(request),
                object=f"statement {subscription.public_id}",
                detail={"format": "csv"},
            )
        response = StreamingHttpResponse(as_csv(statement), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="statement.csv"'
        return response


def _as_json(statement: Statement) -> Any:
    related = statement.trades.select_related("strategy", "subscription", "exchange_account", "fill")
    shown = {name: getattr(statement, name) for name in statement.__slots__}
    return StatementSerializer({**shown, "trades_shown": with_orders(related)}).data


COLUMNS = (
    "row", "at", "symbol", "side", "amount", "price", "cost", "fee", "fee_asset", "fee_in_quote",
    "realised_pnl", "value", "currency", "rate", "rate_source", "value_in_report_currency", "report_currency",
    "id", "by",
)  # fmt: skip


def as_csv(statement: Statement) -> Iterator[str]:
    """One row for each line of the statement, in its order."""
    writer = csv.writer(LineWriter())
    yield writer.writerow(COLUMNS)
    for row in _rows(statement):
        yield writer.writerow([cell(row.get(name)) for name in COLUMNS])


def _rows(statement: Statement) -> Iterator[dict[str, Any]]:
    quote = statement.subscription.strategy.quote
    reported = statement.subscription.follower.report_currency
    yield from _balance_rows("opening", statement.opening, quote, reported)
    for trade in statement.trades.iterator(chunk_size=2000):
        yield {
            "row": "trade",
            "amount": trade.quantity,
            "currency": quote,
            "id": trade.public_id,
            **{name: getattr(trade, name) for name in _OF_TRADE},
        }
    for transfer in statement.transfers:
        yield {
            "row": transfer.kind,
            "at": transfer.at,
            "amount": transfer.amount,
            "currency": transfer.asset,
            "fee": transfer.fee,
            "fee_asset": transfer.asset,
        }
    for change in statement.allocations:
        yield {
            "row": "allocation",
            "at": change.at,
            "amount": change.change,
            "value": change.allocation,
            "currency": quote,
            "by": change.by_whom,
        }
    for name, value in (("fees", statement.fees), ("performance_fee", statement.performance_fee)):
        yield {"row": name, "value": value, "currency": quote}
    yield from _balance_rows("closing", statement.closing, quote, reported)


_OF_TRADE = ("at", "symbol", "side", "price", "cost", "fee", "fee_asset", "fee_in_quote", "realised_pnl")


def _balance_rows(name: str, balance: Balance, quote: str, reported: str) -> Iterable[dict[str, Any]]:
    common = {"at": balance.at, "currency": quote}
    yield {"row": f"{name}_cash", "value": balance.cash, **common}
    for held in balance.positions:
        yield {
            "row": f"{name}_position",
            "symbol": held.symbol,
            "amount": held.amount,
            "price": held.price,
            "cost": held.cost,
            "value": held.value,
            **common,
        }
    yield {
        "row": f"{name}_equity",
        "value": balance.equity,
        "realised_pnl": balance.realised_pnl,
        "rate": balance.rate,
        "rate_source": balance.rate_source,
        "value_in_report_currency": balance.reported,
        "report_currency": reported,
        **common,
    }
