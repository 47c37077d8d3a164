"""Watching one master account: what its stream tells, and what that leaves out."""

from __future__ import annotations

import contextlib
import queue
import time
from datetime import datetime, timedelta

import structlog
from django.db import close_old_connections, transaction
from django.utils import timezone

from exchanges import gateway, loop, stream
from exchanges.errors import BadCredentials, ExchangeError, SymbolUnknown
from exchanges.types import Account, FillReport, Side
from execution.master_account import RETRY_SECONDS, SNAPSHOT_SECONDS, read_transfers, take_snapshot
from execution.models import MasterFeed
from execution.watcher import may_be_unanswered, sells_more_than_known, take_fills
from execution.watching import OVERLAP, Gathering, Watch, ask
from wallets import dead_keys
from wallets.models import ExchangeAccount

log = structlog.get_logger(__name__)

# Fills of one order are gathered until its end, at most this long.
GATHER_SECONDS = 0.1
BACK_FILL_SECONDS = 60.0
# Of a long gap as much is asked for in one call.
MOST_AT_ONCE = timedelta(days=1)
# A stream that has not told of a fill after this long does not tell any more.
STREAM_IS_LATE = timedelta(seconds=5)


def watch_account(watch: Watch) -> None:
    """Until told to stop: listen, gather, ask for gaps each minute, read the equity each 15 s."""
    account = ExchangeAccount.objects.get(pk=watch.account_id)
    opened = account.open()
    _take_snapshot(watch, opened)
    watch.following = loop.submit(stream.follow(opened, watch.events.put))
    try:
        while not watch.stop.is_set():
            _turn(watch, opened)
            # Between turns the connection is others': there are more accounts than connections.
            close_old_connections()
            if watch.following.cancelled():
                watch.following = loop.submit(stream.follow(opened, watch.events.put))
            elif watch.following.done():
                # The venue refuses the key: the account is told so and nobody watches it any more.
                _mark_refused(account, watch.following.exception())
                return
    finally:
        watch.following.cancel()
        close_old_connections()


def _turn(watch: Watch, account: Account) -> None:
    watch.progress_at = time.monotonic()
    with contextlib.suppress(queue.Empty):
        _handle(watch, account, watch.events.get(timeout=_wait(watch)))
    moment = time.monotonic()
    for order_id in [key for key, waiting in watch.gathering.items() if waiting.until <= moment]:
        _flush(watch, account, order_id)
    if moment >= watch.next_back_fill:
        _back_fill(watch, account)
    if moment >= watch.next_snapshot and not watch.gathering:
        _take_snapshot(watch, account)
    if moment >= watch.next_transfers and not watch.gathering:
        read_transfers(watch, account)


def _wait(watch: Watch) -> float:
    due = [waiting.until for waiting in watch.gathering.values()] + [
        watch.next_snapshot,
        watch.next_back_fill,
        watch.next_transfers,
    ]
    return min(max(min(due) - time.monotonic(), 0.001), 1.0)


def _handle(watch: Watch, account: Account, event: stream.StreamEvent) -> None:
    if isinstance(event, stream.StreamOpened):
        watch.listening_since = event.at
        _back_fill(watch, account)
    elif isinstance(event, stream.StreamLost):
        watch.listening_since = None
    elif isinstance(event, FillReport):
        _set_mute(watch, None)
        if event.symbol not in watch.strategies:
            return
        waiting = watch.gathering.setdefault(
            event.venue_order_id, Gathering(until=time.monotonic() + GATHER_SECONDS)
        )
        waiting.fills.append(event)
        if event.order_is_final:
            _finish(watch, account, event.venue_order_id)
    elif isinstance(event, stream.OrderFinished):
        _finish(watch, account, event.venue_order_id)


def _finish(watch: Watch, account: Account, order_id: str) -> None:
    _flush(watch, account, order_id)
    watch.purchases_going_on.pop(order_id, None)


def _flush(watch: Watch, account: Account, order_id: str) -> None:
    """Tell of an order, and before it of what the same symbol's earlier orders have filled so far."""
    if order_id not in watch.gathering:
        return
    symbol = watch.gathering[order_id].fills[0].symbol
    same = [key for key, waiting in watch.gathering.items() if waiting.fills[0].symbol == symbol]
    for key in same[: same.index(order_id) + 1]:
        fills = watch.gathering.pop(key).fills
        if fills[0].side == Side.SELL:
            # A purchase that is missing, or still being told, comes before its sale.
            is_told_late = symbol in _still_told(watch)
            if is_told_late or sells_more_than_known(strategy_id=watch.strategies[symbol], fills=fills):
                _back_fill(watch, account)
        _take(watch, fills)


def _still_told(watch: Watch) -> set[str]:
    """Symbols of purchases of the last minute of which more may be on its way."""
    oldest = time.monotonic() - BACK_FILL_SECONDS
    watch.purchases_going_on = {
        order_id: told for order_id, told in watch.purchases_going_on.items() if told[1] > oldest
    }
    return {symbol for symbol, _at in watch.purchases_going_on.values()}


def _take(watch: Watch, fills: list[FillReport]) -> bool:
    """Whether any of them was new."""
    signal = take_fills(
        strategy_id=watch.strategies[fills[0].symbol],
        fills=fills,
        snapshot=watch.snapshot,
        now=timezone.now(),
    )
    if signal:
        watch.on_signal(signal.pk)
        if signal.side == Side.BUY and not fills[-1].order_is_final:
            watch.purchases_going_on[fills[0].venue_order_id] = (signal.symbol, time.monotonic())
    return signal is not None


def _back_fill(watch: Watch, account: Account) -> None:
    """Ask for every fill since the cursor, a minute early; what is known already changes nothing."""
    feed = MasterFeed.objects.get(exchange_account_id=watch.account_id)
    asked_at = gateway.venue_now(watch.exchange)
    watch.next_back_fill = time.monotonic() + BACK_FILL_SECONDS
    # All symbols, whatever becomes of one of them.
    done = [
        _back_fill_symbol(watch, account, symbol, feed.filled_until - OVERLAP) for symbol in watch.strategies
    ]
    if all(done):
        MasterFeed.objects.filter(pk=feed.pk).update(filled_until=asked_at)
    else:
        watch.next_back_fill = time.monotonic() + SNAPSHOT_SECONDS


def _back_fill_symbol(watch: Watch, account: Account, symbol: str, since: datetime) -> bool:
    """Whether everything of the symbol since then is known now."""
    is_complete, now = True, gateway.venue_now(watch.exchange)
    while since < now:
        until = since + MOST_AT_ONCE
        question = gateway.fetch_fills(
            account, symbol=symbol, since=since, until=until if until < now else None
        )
        try:
            fills = ask(watch, question)
        except SymbolUnknown:
            log.warning("symbol_not_listed", account_id=watch.account_id, symbol=symbol)
            return True
        except (ExchangeError, TimeoutError) as error:
            log.warning("back_fill_failed", account_id=watch.account_id, symbol=symbol, text=str(error))
            return False
        is_complete &= _take_by_order(watch, fills)
        since = until
    return is_complete


def _take_by_order(watch: Watch, fills: list[FillReport]) -> bool:
    """Take what is new, one signal per order; False: one of them may be an unanswered order of ours."""
    now = timezone.now()
    by_order: dict[str, list[FillReport]] = {}
    is_complete = True
    # A sale must not overtake the purchase that is being gathered.
    has_sale = any(fill.side == Side.SELL for fill in fills)
    for fill in fills:
        if fill.venue_order_id in watch.gathering and not has_sale:
            # The stream is gathering this one: it knows the whole order.
            continue
        if may_be_unanswered(account_id=watch.account_id, fill=fill, now=now):
            is_complete = False
            continue
        by_order.setdefault(fill.venue_order_id, []).append(fill)
    for group in by_order.values():
        if _take(watch, group):
            _judge_stream(watch, group)
    return is_complete


def _judge_stream(watch: Watch, fills: list[FillReport]) -> None:
    """News that was found by asking only, long after the stream should have told it: the stream is mute."""
    newest = max(fill.at for fill in fills)
    opened, now = watch.listening_since, gateway.venue_now(watch.exchange)
    if opened and opened < newest < now - STREAM_IS_LATE and watch.events.empty():
        log.warning("stream_mute", account_id=watch.account_id, exchange=watch.exchange, not_told=newest)
        _set_mute(watch, timezone.now())
        watch.listening_since = None
        if watch.following:
            # The next one is opened between two turns.
            watch.following.cancel()


def _set_mute(watch: Watch, since: datetime | None) -> None:
    """Keep the state where people see it; `watch.is_mute` is None while it is not known what is kept."""
    is_mute = since is not None
    if watch.is_mute != is_mute:
        MasterFeed.objects.filter(exchange_account_id=watch.account_id).update(mute_at=since)
    watch.is_mute = is_mute


def _take_snapshot(watch: Watch, account: Account) -> None:
    """All trades are asked for before coins that are missing are looked for again."""
    take_snapshot(watch, account)
    if watch.doubted:
        _back_fill(watch, account)
        watch.next_snapshot = time.monotonic() + RETRY_SECONDS


def _mark_refused(account: ExchangeAccount, error: BaseException | None) -> None:
    if not isinstance(error, BadCredentials):
        log.error("stream_ended", account_id=account.pk, error=str(error))
        return
    with transaction.atomic():
        dead_keys.keys_refused([account.pk], now=timezone.now())
        ExchangeAccount.objects.filter(pk=account.pk).update(
            status=ExchangeAccount.Status.INVALID, status_reason="invalid_credentials"
        )
