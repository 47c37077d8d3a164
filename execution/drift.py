"""Coins that the books count on a follower's account and that are not there: found, shown, and let go.

Judged only while nothing is in flight on the account. Entries of the coin wait from the first sight on; seen
again after a minute, the sub-positions shrink to what is there. Nothing is ever bought back.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise

from exchanges import gateway, loop
from exchanges.errors import ExchangeError, Unavailable
from exchanges.rounding import EXACT
from exchanges.types import Balance, TransferReport
from execution import notices
from execution.causes import SENTENCES, likely_cause, surplus_cause
from execution.models import CoinDifference, CopyOrder
from execution.states import AT_THE_VENUE
from ledger.adjustments import shrink
from ledger.booking import SubPosition, positions_for, write_positions
from ledger.models import Fill, Position
from ledger.transfers import book_transfers
from subscriptions.models import Subscription
from subscriptions.relations import Relation, lock_relations, write_money
from wallets import vault
from wallets.models import ExchangeAccount

log = structlog.get_logger(__name__)

ZERO = Decimal(0)
SEEN_TWICE = timedelta(seconds=60)
ACCOUNTS_AT_ONCE = 100
BALANCES_LIMIT_SECONDS = 60.0
TRANSFERS_ASKED = timedelta(days=90)
NOT_OPENED = Unavailable("this account's keys cannot be opened")


@dataclass(frozen=True, slots=True)
class Count:
    """A coin of an account: what the books hold of it, what is there, locked coins counted, and why."""

    account: ExchangeAccount
    asset: str
    booked: Decimal
    there: Decimal
    cause: str
    is_settled: bool


@dataclass(frozen=True, slots=True)
class Surplus:
    """A coin of which more is there than was copied: its owner's, and nothing is done about it."""

    account: ExchangeAccount
    asset: str
    booked: Decimal
    there: Decimal
    cause: str | Promise


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of comparing an account: coins missing or beyond, or why nothing can be said of it now."""

    account: ExchangeAccount
    counts: Sequence[Count] = ()
    surpluses: Sequence[Surplus] = ()
    error: ExchangeError | None = None
    is_busy: bool = False


def take_due(*, now: datetime) -> set[int]:
    """Accounts of which coins were missing a minute ago; their next turn is pushed back."""
    with transaction.atomic(durable=True):
        due = CoinDifference.objects.filter(counted_at__lte=now - SEEN_TWICE)
        rows = list(due.select_for_update(of=("self",), skip_locked=True).order_by("pk")[:ACCOUNTS_AT_ONCE])
        # So that two workers do not ask the same.
        CoinDifference.objects.filter(pk__in=[row.pk for row in rows]).update(counted_at=now)
    return {row.exchange_account_id for row in rows}


def accounts_with_coins() -> set[int]:
    held = Position.objects.open().filter(subscription__isnull=False)
    return set(held.values_list("subscription__exchange_account_id", flat=True))


def compare(accounts: Sequence[ExchangeAccount]) -> list[Comparison]:
    """Compare these accounts with the books, note what is missing, and settle what is seen again."""
    if not accounts:
        return []
    asked_at = timezone.now()
    answers = loop.run(_balances_of(accounts), timeout=BALANCES_LIMIT_SECONDS)
    comparisons = []
    _read_transfers([a for a, b in zip(accounts, answers, strict=True) if _differs(a, b)], now=asked_at)
    for account, answer in zip(accounts, answers, strict=True):
        if isinstance(answer, ExchangeError):
            comparisons.append(Comparison(account, error=answer))
        else:
            comparisons.append(note(account, answer, asked_at=asked_at, now=timezone.now()))
    return comparisons


def _differs(account: ExchangeAccount, answer: dict[str, Balance] | ExchangeError) -> bool:
    """Without a lock: whether the reason for coins missing or beyond is worth a question."""
    if isinstance(answer, ExchangeError):
        return False
    booked: dict[str, Decimal] = defaultdict(Decimal)
    held = Position.objects.open().filter(subscription__exchange_account=account)
    for symbol, amount in held.values_list("symbol", "held"):
        booked[symbol.partition("/")[0]] += amount
    return any(asset not in answer or answer[asset].total != amount for asset, amount in booked.items())


def _read_transfers(accounts: Sequence[ExchangeAccount], *, now: datetime) -> None:
    """Book what came to these accounts or left them lately, as far as their venues show it."""
    if not accounts:
        return
    told = loop.run(_transfers_of(accounts, now - TRANSFERS_ASKED), timeout=BALANCES_LIMIT_SECONDS)
    for account, reports in zip(accounts, told, strict=True):
        book_transfers(account_id=account.pk, reports=reports, now=now)


async def _transfers_of(accounts: Sequence[ExchangeAccount], since: datetime) -> list[list[TransferReport]]:
    return list(await asyncio.gather(*(_transfers(account, since) for account in accounts)))


async def _transfers(account: ExchangeAccount, since: datetime) -> list[TransferReport]:
    try:
        return await gateway.fetch_transfers(account.open(), since=since)
    except ExchangeError as error:
        log.warning("transfers_not_read", account_id=account.pk, text=str(error))
        return []


async def _balances_of(accounts: Sequence[ExchangeAccount]) -> list[dict[str, Balance] | ExchangeError]:
    return list(await asyncio.gather(*(_balances(account) for account in accounts)))


async def _balances(account: ExchangeAccount) -> dict[str, Balance] | ExchangeError:
    try:
        return await gateway.fetch_balances(account.open())
    except ExchangeError as error:
        return error
    except vault.CannotOpen as error:
        log.error("keys_not_opened", account_id=account.pk, error=str(error))
        return NOT_OPENED


def note(
    account: ExchangeAccount, balances: Mapping[str, Balance], *, asked_at: datetime, now: datetime
) -> Comparison:
    """`balances` were asked for at `asked_at`; twice with the same changes nothing."""
    with localcontext(EXACT), transaction.atomic(durable=True):
        owners = Subscription.objects.filter(exchange_account=account).values_list("pk", flat=True)
        relations = lock_relations(owners)
        if _is_busy(account, asked_at):
            return Comparison(account, is_busy=True)
        by_coin = _sub_positions(relations)
        known = {row.asset: row for row in CoinDifference.objects.filter(exchange_account=account)}
        counts, surpluses = [], []
        for asset in sorted({*by_coin, *known}):
            booked = sum((row.held for row in by_coin[asset]), ZERO)
            there = balances[asset].total if asset in balances else ZERO
            if there >= booked:
                CoinDifference.objects.filter(exchange_account=account, asset=asset).delete()
                if there > booked > 0:
                    cause = surplus_cause(account_id=account.pk, asset=asset, surplus=there - booked)
                    surpluses.append(Surplus(account, asset, booked, there, cause))
                continue
            row = known.get(asset) or _first_sight(account, asset, booked - there, now)
            is_settled = _settle(row, booked - there, by_coin[asset], relations, now)
            counts.append(Count(account, asset, booked, there, row.cause, is_settled))
    return Comparison(account, tuple(counts), tuple(surpluses))


def _is_busy(account: ExchangeAccount, asked_at: datetime) -> bool:
    """Whether something is in flight, or the books have moved since the coins were counted."""
    orders = CopyOrder.objects.filter(exchange_account=account)
    if orders.filter(status__in=AT_THE_VENUE).exists():
        return True
    return Fill.objects.filter(exchange_account=account, recorded_at__gte=asked_at).exists()


def _sub_positions(relations: Mapping[int, Relation]) -> dict[str, list[SubPosition]]:
    """By coin, what these subscriptions hold; their locks are held."""
    held = Position.objects.open().filter(subscription__in=relations)
    keys = held.order_by("pk").values_list("strategy_id", "subscription_id", "symbol")
    by_coin: dict[str, list[SubPosition]] = defaultdict(list)
    for position in positions_for(keys).values():
        by_coin[position.symbol.partition("/")[0]].append(position)
    return by_coin


def _first_sight(account: ExchangeAccount, asset: str, missing: Decimal, now: datetime) -> CoinDifference:
    cause = likely_cause(account_id=account.pk, asset=asset, missing=missing)
    log.warning("coins_differ", account_id=account.pk, asset=asset, missing=str(missing), cause=cause)
    return CoinDifference.objects.create(
        exchange_account=account, asset=asset, missing=missing, cause=cause, since=now, counted_at=now
    )


def _settle(
    row: CoinDifference,
    missing: Decimal,
    positions: Sequence[SubPosition],
    relations: Mapping[int, Relation],
    now: datetime,
) -> bool:
    """Whether the books were brought down to what is there. Only what was missing both times counts."""
    if now - row.since < SEEN_TWICE:
        row.missing, row.counted_at = min(row.missing, missing), now
        row.save(update_fields=["missing", "counted_at"])
        return False
    confirmed = min(row.missing, missing)
    # By now the venue may have told more than at first sight.
    row.cause = likely_cause(account_id=row.exchange_account_id, asset=row.asset, missing=confirmed)
    taken = shrink(
        account_id=row.exchange_account_id,
        missing=confirmed,
        cause=row.cause,
        positions=positions,
        relations=relations,
        now=now,
    )
    write_positions(positions, now=now)
    write_money(relations.values())
    notices.tell_of_coins_gone(taken, SENTENCES[row.cause], now=now)
    log.warning("copies_shrunk", account_id=row.exchange_account_id, asset=row.asset, amount=str(confirmed))
    if confirmed == missing:
        row.delete()
        return True
    # More has gone since: that is a new difference.
    row.missing, row.since, row.counted_at = missing - confirmed, now, now
    row.save(update_fields=["missing", "cause", "since", "counted_at"])
    return False
