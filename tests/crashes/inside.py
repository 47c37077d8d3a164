"""What a campaign does inside the platform's environment: `python -m tests.crashes.inside`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import django
import requests

django.setup()

from django.conf import settings  # noqa: E402 - the apps must be ready first

from exchanges import gateway, loop  # noqa: E402
from execution.models import CopyOrder  # noqa: E402
from ledger.models import Fill, Position  # noqa: E402
from strategies.models import Signal, SignalFill, Strategy  # noqa: E402
from subscriptions.models import Subscription  # noqa: E402
from tests.crashes import comparison  # noqa: E402
from tests.crashes.comparison import Account, BookedOrder, Books, VenueOrder  # noqa: E402
from tests.crashes.master import AUDIT_PAGE, BALANCE, SYMBOL  # noqa: E402
from tests.flows import inside as flow  # noqa: E402
from wallets.models import ExchangeAccount  # noqa: E402

ALLOCATION = Decimal(20)
CALL_SECONDS = 15.0
ZERO = Decimal(0)
BASE, QUOTE = SYMBOL.split("/")
# After an exit at most a lot step stays, or what the venue's smallest order is.
DUST = Decimal(1)


def build(*, name: str, followers: int) -> dict[str, Any]:
    built: dict[str, Any] = flow.build(
        name=name,
        followers=followers,
        symbol=SYMBOL,
        balance=str(ALLOCATION),
        allocation=str(ALLOCATION),
        master_balance=str(BALANCE),
    )
    return built


def is_watched(*, strategy: int) -> bool:
    return flow.is_watched(strategy=strategy)


def await_quiet(*, strategy: int, seconds: float) -> dict[str, Any]:
    """Wait until all that the master did is copied to its end, or the time is over; what was left."""
    deadline = time.monotonic() + seconds
    while any((left := _left(strategy)).values()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return left


def _left(strategy_id: int) -> dict[str, int]:
    strategy = Strategy.objects.select_related("exchange_account").get(pk=strategy_id)
    master = strategy.exchange_account
    fills = sum(len(o.fills) for o in _venue_orders() if o.uid == master.venue_account_id)
    orders = CopyOrder.objects.filter(strategy=strategy)
    return {
        "fills_unseen": fills - SignalFill.objects.filter(exchange_account=master).count(),
        "signals": Signal.objects.filter(strategy=strategy).exclude(status=Signal.Status.DONE).count(),
        "orders": orders.live().count(),
    }


def compare(*, strategy: int, is_sold: bool) -> dict[str, Any]:
    """Every check with its differences; `is_sold`: the master has sold all, and so should have everybody."""
    venue = list(_venue_orders())
    master = Strategy.objects.select_related("exchange_account").get(pk=strategy).exchange_account
    books = _books(strategy)
    checks = comparison.compare(venue, master.venue_account_id, books)
    if is_sold:
        checks.append(comparison.nobody_holds(books, at_most=DUST))
    return {
        "checks": [asdict(check) for check in checks],
        "outcomes": comparison.count(books.orders),
        "retried": sum(order.attempt > 1 for order in books.orders),
        "placed": sum(order.attempt > 0 for order in books.orders),
    }


def _venue_orders() -> Iterator[VenueOrder]:
    after = 0
    while True:
        url = f"{settings.PAPER_EXCHANGE_URL}/control/audit"
        page = requests.get(url, params={"after": after, "limit": AUDIT_PAGE}, timeout=30).json()
        yield from map(_venue_order, page["orders"])
        if page["next"] == after:
            return
        after = page["next"]


def _venue_order(order: dict[str, Any]) -> VenueOrder:
    uid, order_id = str(order["uid"]), str(order["orderId"])
    fills = tuple(
        comparison.Fill(
            uid=uid,
            order_id=order_id,
            trade_id=str(fill["trade_id"]),
            side=order["side"].lower(),
            price=Decimal(fill["price"]),
            quantity=Decimal(fill["quantity"]),
            fee=Decimal(fill["commission"]),
            fee_asset=fill["commission_asset"] if Decimal(fill["commission"]) else "",
        )
        for fill in order["fills"]
    )
    return VenueOrder(uid, order_id, order["clientOrderId"], Decimal(order["executed"]), fills)


def _books(strategy: int) -> Books:
    subscriptions = list(
        Subscription.objects.filter(strategy_id=strategy).select_related("exchange_account").order_by("pk")
    )
    uids = {row.exchange_account_id: row.exchange_account.venue_account_id for row in subscriptions}
    signals = Signal.objects.filter(strategy_id=strategy, number__isnull=False)
    taken = SignalFill.objects.filter(signal__strategy_id=strategy)
    held = dict(
        Position.objects.filter(subscription__in=subscriptions).values_list("subscription_id", "held")
    )
    return Books(
        orders=[_booked_order(order, uids) for order in _copies(strategy)],
        fills=[_booked_fill(fill, uids) for fill in Fill.objects.filter(exchange_account_id__in=uids)],
        signals={number or 0: status for number, status in signals.values_list("number", "status")},
        signal_fills=list(taken.values_list("venue_order_id", "trade_id")),
        accounts=[_account(row, held.get(row.pk, ZERO)) for row in subscriptions],
    )


def _copies(strategy: int) -> Iterator[CopyOrder]:
    orders = CopyOrder.objects.filter(strategy_id=strategy, subscription__isnull=False)
    return orders.select_related("signal").order_by("pk").iterator()


def _booked_order(order: CopyOrder, uids: dict[int, str]) -> BookedOrder:
    return BookedOrder(
        uid=uids[order.exchange_account_id],
        client_order_id=order.client_order_id,
        signal=order.origin_number,
        status=order.status,
        reason=order.reason_code,
        attempt=order.attempt,
        requested=order.requested_amount or ZERO,
        filled=order.filled_amount,
    )


def _booked_fill(fill: Fill, uids: dict[int, str]) -> comparison.Fill:
    return comparison.Fill(
        uid=uids[fill.exchange_account_id],
        order_id=fill.venue_order_id,
        trade_id=fill.trade_id,
        side=fill.side,
        price=fill.price,
        quantity=fill.quantity,
        fee=fill.fee,
        fee_asset=fill.fee_asset,
    )


def _account(row: Subscription, held: Decimal) -> Account:
    base, quote = _balances(row.exchange_account)
    return Account(
        uid=row.exchange_account.venue_account_id,
        held=held,
        cash_change=row.cash - row.allocation,
        reserved=row.reserved,
        base_at_venue=base,
        quote_at_venue=quote - ALLOCATION,
    )


def _balances(account: ExchangeAccount) -> tuple[Decimal, Decimal]:
    balances = loop.run(gateway.fetch_balances(account.open()), CALL_SECONDS)
    base, quote = (balances[coin].total if coin in balances else ZERO for coin in (BASE, QUOTE))
    return base, quote


if __name__ == "__main__":
    flow.serve(globals())
