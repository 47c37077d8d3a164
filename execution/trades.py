"""Trades beside the orders that they filled."""

from __future__ import annotations

from django.db.models import OuterRef, Subquery

from execution.models import CopyOrder
from ledger.models import TradeQuerySet


def with_orders(rows: TradeQuerySet) -> TradeQuerySet:
    """Each with its order's public id (fill and order share account and client order id), and reversals."""
    order = CopyOrder.objects.filter(
        exchange_account=OuterRef("exchange_account"), client_order_id=OuterRef("fill__client_order_id")
    )
    return rows.with_reversals().annotate(order_id_shown=Subquery(order.values("public_id")[:1]))
