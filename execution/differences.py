"""What the books say and the exchange does not: orders nobody can tell of, coins that are not there."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from exchanges import gateway, loop
from exchanges.errors import ExchangeError
from exchanges.rounding import plain
from exchanges.types import Balance
from execution.models import CopyOrder
from execution.states import AT_THE_VENUE
from ledger.models import Position
from wallets.models import ExchangeAccount

ACCOUNTS_AT_ONCE = 100
BALANCES_LIMIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that a person should look at, in a sentence."""

    account: ExchangeAccount
    sentence: str


def find_differences() -> Iterator[Difference]:
    """Compare every order under way and every copied coin with the exchanges; changes nothing."""
    yield from _orders_under_way()
    held = _held_by_account()
    accounts = list(ExchangeAccount.objects.connected().filter(pk__in=held).order_by("pk"))
    for start in range(0, len(accounts), ACCOUNTS_AT_ONCE):
        yield from _missing_coins(accounts[start : start + ACCOUNTS_AT_ONCE], held)


def _orders_under_way() -> Iterator[Difference]:
    orders = CopyOrder.objects.filter(status__in=AT_THE_VENUE).select_related("exchange_account")
    for order in orders.order_by("pk"):
        yield Difference(
            order.exchange_account,
            f"order {order.client_order_id} ({order.side} {order.symbol}) is {order.status} "
            f"since {order.updated_at:%Y-%m-%d %H:%M:%S} UTC",
        )


def _held_by_account() -> dict[int, dict[str, Decimal]]:
    """Account → coin → what the copies hold of it. A follower may own more; never less."""
    held: dict[int, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    rows = Position.objects.open().filter(subscription__isnull=False)
    for account_id, symbol, amount in rows.values_list("subscription__exchange_account_id", "symbol", "held"):
        held[account_id][symbol.partition("/")[0]] += amount
    return held


def _missing_coins(
    accounts: Sequence[ExchangeAccount], held: dict[int, dict[str, Decimal]]
) -> Iterator[Difference]:
    answers = loop.run(_balances_of(accounts), timeout=BALANCES_LIMIT_SECONDS)
    for account, answer in zip(accounts, answers, strict=True):
        if isinstance(answer, ExchangeError):
            yield Difference(account, f"the exchange did not tell its balances: {answer.text}")
            continue
        for coin, booked in sorted(held[account.pk].items()):
            there = answer[coin].total if coin in answer else Decimal(0)
            if there < booked:
                yield Difference(
                    account,
                    f"{plain(booked)} {coin} are booked and {plain(there)} are there: "
                    "something else sold or moved them, or a fee was taken from them",
                )


async def _balances_of(
    accounts: Sequence[ExchangeAccount],
) -> list[dict[str, Balance] | ExchangeError]:
    return list(await asyncio.gather(*(_balances(account) for account in accounts)))


async def _balances(account: ExchangeAccount) -> dict[str, Balance] | ExchangeError:
    try:
        return await gateway.fetch_balances(account.open())
    except ExchangeError as error:
        return error
