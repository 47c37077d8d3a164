"""Deposits and withdrawals of a strategy's account, each at what it was worth in the quote then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db.models import Case, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, Concat

from ledger.models import PricePoint, Trade, Transfer
from ledger.performance import Flow
from records.fields import MoneyField
from strategies.models import Strategy


def transfers_of(strategy: Strategy, *, since: datetime, now: datetime) -> QuerySet[Transfer]:
    """Each with its `price` of then, None where there was none. `exchange_account` must be at hand."""
    symbol = Concat(OuterRef("asset"), Value(f"/{strategy.quote}"))
    kept = PricePoint.objects.filter(
        exchange=strategy.exchange_account.exchange, symbol=symbol, at__lte=OuterRef("at")
    )
    traded = Trade.objects.of_master(strategy.pk).filter(symbol=symbol, at__lte=OuterRef("at"))
    last_prices = [Subquery(rows.order_by("-at").values("price")[:1]) for rows in (kept, traded)]
    price = Case(
        When(asset=strategy.quote, then=Value(Decimal(1))),
        default=Coalesce(*last_prices),
        output_field=MoneyField(null=True),
    )
    rows = Transfer.objects.filter(exchange_account=strategy.exchange_account_id, at__gte=since, at__lte=now)
    return rows.annotate(price=price)


def moved(transfer: Transfer) -> Decimal:
    """The coins by which the account grew (above 0) or shrank."""
    came = transfer.kind == Transfer.Kind.DEPOSIT
    amount: Decimal = (transfer.amount if came else -transfer.amount) - transfer.fee
    return amount


def price_of(transfer: Transfer) -> Decimal | None:
    """Of a row of `transfers_of`."""
    price: Decimal | None = getattr(transfer, "price")  # noqa: B009 - the annotation of the query
    return price


def counted(transfers: Sequence[Transfer]) -> list[Flow]:
    """Those of `transfers_of` with a price; the others are neither money nor a result."""
    return [
        Flow(transfer.at, moved(transfer) * price)
        for transfer in transfers
        if (price := price_of(transfer)) is not None
    ]
