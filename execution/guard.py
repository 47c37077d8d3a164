"""Step 6: public prices into the books' marks, from which open results are valued."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal

import structlog
from django.db import connection
from django.db.models import F, OuterRef, Subquery

from exchanges import gateway, loop
from exchanges.errors import ExchangeError
from exchanges.rounding import EXACT
from exchanges.types import Quote
from ledger.models import Mark, Position
from ledger.prices import keep_prices
from risk.models import RiskLimits, SubscriptionLimits
from risk.rates import symbols_between
from strategies.models import StrategySymbol
from subscriptions.models import Subscription

log = structlog.get_logger(__name__)

QUOTES_LIMIT_SECONDS = 10.0
# Fees may be paid in these coins, so their price is needed beside those of what is held.
FEE_COINS = {"binance": "BNB", "paper": "BNB"}


# A day's volume changes slowly.
LOOK_EVERY = timedelta(minutes=10)

# Beat has prices read every 5 s: marks older than this are read by a worker.
OVERDUE_AFTER = timedelta(seconds=10)


def read_marks(*, now: datetime) -> int:
    """Store the last price of every symbol that anybody holds; return how many there were.

    Now and then of those that may be bought too, as their volume must be known before.
    """
    held, offered = _symbols_held(), _symbols_to_look_at(now)
    return sum(
        read_venue(exchange, held.get(exchange, set()) | offered.get(exchange, set()), now)
        for exchange in {*held, *offered}
    )


def read_overdue_marks(*, now: datetime) -> int:
    """The same for venues that nobody has read lately, as stops must not wait for a dead beat."""
    count = 0
    for exchange, symbols in _symbols_held().items():
        with _only_reader(exchange) as is_only_reader:
            if is_only_reader and not _is_read(exchange, now):
                count += read_venue(exchange, symbols, now)
    return count


def read_venue(exchange: str, symbols: set[str], now: datetime) -> int:
    """Store the last prices of these symbols, and their middles; return how many the venue told."""
    try:
        quotes = loop.run(gateway.fetch_quotes(exchange, sorted(symbols)), timeout=QUOTES_LIMIT_SECONDS)
    except (ExchangeError, TimeoutError) as error:
        # The marks grow old, and what needs a fresh one says so.
        log.warning("no_quotes", exchange=exchange, text=str(error))
        return 0
    marks = [
        Mark(
            exchange=exchange,
            symbol=quote.symbol,
            price=quote.last,
            middle=_middle(quote),
            quote_volume_24h=quote.quote_volume_24h or None,
            at=now,
        )
        for quote in quotes.values()
    ]
    Mark.objects.bulk_create(
        marks,
        update_conflicts=True,
        unique_fields=["exchange", "symbol"],
        update_fields=["price", "middle", "quote_volume_24h", "at"],
    )
    keep_prices(marks, now=now)
    return len(marks)


def _middle(quote: Quote) -> Decimal | None:
    """None: nobody bids or asks, and the last price stands for it."""
    if quote.bid is None or quote.ask is None:
        return None
    return EXACT.divide(quote.bid + quote.ask, Decimal(2))


def _is_read(exchange: str, now: datetime) -> bool:
    return Mark.objects.filter(exchange=exchange, at__gt=now - OVERDUE_AFTER).exists()


@contextmanager
def _only_reader(exchange: str) -> Iterator[bool]:
    """Whether no other worker reads this venue; the lock of one that dies ends with its connection."""
    # Of the session, as no transaction may stay open while a venue answers.
    key = [f"prices of {exchange}"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('one reader'), hashtext(%s))", key)
        is_only_reader = bool(cursor.fetchone()[0])
    try:
        yield is_only_reader
    finally:
        if is_only_reader:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext('one reader'), hashtext(%s))", key)


def _symbols_held() -> dict[str, set[str]]:
    symbols: dict[str, set[str]] = defaultdict(set)
    held = Position.objects.open()
    followers = held.filter(subscription__isnull=False).values_list(
        "subscription__exchange_account__exchange", "symbol"
    )
    masters = held.filter(subscription=None).values_list("strategy__exchange_account__exchange", "symbol")
    for exchange, quote, currency in _currencies_of_limits():
        symbols[exchange] |= symbols_between(quote, currency)
    for exchange, symbol in followers.union(masters):
        symbols[exchange].add(symbol)
        if exchange in FEE_COINS:
            symbols[exchange].add(f"{FEE_COINS[exchange]}/{symbol.partition('/')[2]}")
    return symbols


def _symbols_to_look_at(now: datetime) -> dict[str, set[str]]:
    """What masters offer at their followers' venues, but for what was looked at lately."""
    offered = StrategySymbol.objects.values_list("strategy_id", "symbol")
    of_strategy: dict[int, set[str]] = defaultdict(set)
    for strategy_id, symbol in offered:
        of_strategy[strategy_id].add(symbol)
    copies = Subscription.objects.live().order_by().distinct()
    symbols: dict[str, set[str]] = defaultdict(set)
    for strategy_id, exchange in copies.values_list("strategy_id", "exchange_account__exchange"):
        symbols[exchange] |= of_strategy[strategy_id]
    lately = Mark.objects.filter(at__gt=now - LOOK_EVERY, exchange__in=list(symbols))
    for exchange, symbol in lately.values_list("exchange", "symbol"):
        symbols[exchange].discard(symbol)
    return symbols


def _currencies_of_limits() -> set[tuple[str, str, str]]:
    """Venue, quote and currency where people who copy in one have set limits in another."""
    copies = Subscription.objects.live()
    own = SubscriptionLimits.objects.filter(subscription=OuterRef("pk")).values("currency")
    of_owner = RiskLimits.objects.filter(user=OuterRef("follower")).values("currency")
    found = set()
    for limits in (own, of_owner):
        rows = copies.annotate(limit_currency=Subquery(limits)).exclude(limit_currency=F("strategy__quote"))
        named = rows.exclude(limit_currency=None)
        found |= set(named.values_list("exchange_account__exchange", "strategy__quote", "limit_currency"))
    return found
