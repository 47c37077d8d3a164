"""What a master account holds beside its trades: equity, deposits and withdrawals, coins that have left."""

from __future__ import annotations

import time
from datetime import timedelta
from decimal import Decimal

import structlog
from django.utils import timezone

from exchanges import gateway
from exchanges.errors import BadCredentials, ExchangeError, HeldBack
from exchanges.types import Account, Balance
from exchanges.valuation import equity_in_quote
from execution import departures, silence
from execution.models import MasterFeed
from execution.watcher import AccountSnapshot
from execution.watching import OVERLAP, Watch, ask
from ledger.transfers import book_transfers
from strategies.models import PerformanceSnapshot

log = structlog.get_logger(__name__)

SNAPSHOT_SECONDS = 15.0
RETRY_SECONDS = 1.0
TRANSFERS_SECONDS = 60.0
TRANSFERS_REFUSED_SECONDS = 3600.0
# From being asked for to being done; until then a venue does not count them as done.
TRANSFERS_TAKE = timedelta(days=7)


def take_snapshot(watch: Watch, account: Account) -> None:
    """Read the master's equity between orders, so that it is known before the next one, and look for coins
    that have left: `watch.doubted` are those to look at once more."""
    watch.next_snapshot = time.monotonic() + SNAPSHOT_SECONDS
    asked_at = gateway.venue_now(watch.exchange)
    try:
        balances = _ask_for_life(watch, account)
        quotes = ask(watch, gateway.fetch_quotes(watch.exchange))
    except (ExchangeError, TimeoutError) as error:
        log.warning("snapshot_failed", account_id=watch.account_id, text=str(error))
        # Entries are skipped while the equity is not known.
        watch.next_snapshot = time.monotonic() + RETRY_SECONDS
        return
    coins = {symbol.partition("/")[2] for symbol in watch.strategies}
    equity = {coin: equity_in_quote(balances, quotes, quote=coin) for coin in coins}
    holdings: dict[str, Decimal] = {asset: balance.total for asset, balance in balances.items()}
    now = timezone.now()
    watch.snapshot = AccountSnapshot(
        asked_at=asked_at, at=gateway.venue_now(watch.exchange), equity=equity, holdings=holdings
    )
    _look_for_departures(watch, watch.snapshot)
    quote_of = {strategy: symbol.partition("/")[2] for symbol, strategy in watch.strategies.items()}
    PerformanceSnapshot.objects.bulk_create(
        [
            PerformanceSnapshot(strategy_id=strategy_id, at=now, equity=equity[coin])
            for strategy_id, coin in quote_of.items()
        ]
    )


def _ask_for_life(watch: Watch, account: Account) -> dict[str, Balance]:
    """The account's balances; that it answers to its key is the proof that the master is there."""
    try:
        balances = ask(watch, gateway.fetch_balances(account))
    except HeldBack:
        # Nobody was asked.
        raise
    except ExchangeError:
        silence.note_asked(account_id=watch.account_id, is_answered=False, now=timezone.now())
        raise
    silence.note_asked(account_id=watch.account_id, is_answered=True, now=timezone.now())
    return balances


def _look_for_departures(watch: Watch, snapshot: AccountSnapshot) -> None:
    """Coins that are missing twice, with all trades asked for in between, have left."""
    missing = departures.missing_coins(
        strategies=watch.strategies, holdings=snapshot.holdings, asked_at=snapshot.asked_at
    )
    doubted = departures.unexplained(account_id=watch.account_id, missing=missing)
    confirmed = doubted & watch.doubted
    departures.settle(account_id=watch.account_id, missing=missing, confirmed=confirmed, now=timezone.now())
    watch.doubted = doubted - confirmed


def read_transfers(watch: Watch, account: Account) -> None:
    """Book what came to the account or left it. What the venue does not show us is not asked for so often."""
    watch.next_transfers = time.monotonic() + TRANSFERS_SECONDS
    feed = MasterFeed.objects.get(exchange_account_id=watch.account_id)
    since = feed.transfers_until - TRANSFERS_TAKE if feed.transfers_until else feed.filled_until - OVERLAP
    asked_at = gateway.venue_now(watch.exchange)
    try:
        transfers = ask(watch, gateway.fetch_transfers(account, since=since))
    except BadCredentials:
        log.info("transfers_not_shown", account_id=watch.account_id)
        watch.next_transfers = time.monotonic() + TRANSFERS_REFUSED_SECONDS
        return
    except (ExchangeError, TimeoutError) as error:
        log.warning("transfers_not_read", account_id=watch.account_id, text=str(error))
        return
    new = book_transfers(account_id=watch.account_id, reports=transfers, now=timezone.now())
    MasterFeed.objects.filter(pk=feed.pk).update(transfers_until=asked_at)
    if new:
        log.info("transfers", account_id=watch.account_id, new=new)
