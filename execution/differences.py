"""What the books say and the exchange does not: orders nobody can tell of, coins that are not there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from exchanges.rounding import plain
from execution import drift
from execution.causes import SENTENCES
from execution.drift import Comparison, Count
from execution.models import CoinDifference, CopyOrder
from execution.states import AT_THE_VENUE
from wallets.models import ExchangeAccount


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that a person should look at, in a sentence.

    `is_of_books` False: more is there than was copied, which the books say nothing against.
    """

    account: ExchangeAccount
    sentence: str
    is_of_books: bool = True


def find_differences() -> Iterator[Difference]:
    """Compare every order under way and every copied coin with the exchanges, from the books on.

    What is missing is noted; what was missing a minute before too, the copies let go.
    """
    yield from _orders_under_way()
    wanted = drift.accounts_with_coins() | set(
        CoinDifference.objects.values_list("exchange_account_id", flat=True)
    )
    accounts = list(ExchangeAccount.objects.connected().filter(pk__in=wanted).order_by("pk"))
    for start in range(0, len(accounts), drift.ACCOUNTS_AT_ONCE):
        for comparison in drift.compare(accounts[start : start + drift.ACCOUNTS_AT_ONCE]):
            yield from _told(comparison)


def _orders_under_way() -> Iterator[Difference]:
    orders = CopyOrder.objects.filter(status__in=AT_THE_VENUE).select_related("exchange_account")
    for order in orders.order_by("pk"):
        yield Difference(
            order.exchange_account,
            f"order {order.client_order_id} ({order.side} {order.symbol}) is {order.status} "
            f"since {order.updated_at:%Y-%m-%d %H:%M:%S} UTC",
        )


def _told(comparison: Comparison) -> Iterator[Difference]:
    account = comparison.account
    if comparison.error:
        yield Difference(account, f"the exchange did not tell its balances: {comparison.error.text}")
    elif comparison.is_busy:
        yield Difference(account, "its coins were not counted, as orders are under way")
    for count in comparison.counts:
        yield Difference(account, _sentence(count))
    for more in comparison.surpluses:
        yield Difference(
            account,
            f"{plain(more.there)} {more.asset} are there and {plain(more.booked)} of them were copied: "
            f"no copy sells the rest; {more.cause}",
            is_of_books=False,
        )


def _sentence(count: Count) -> str:
    then = (
        "the copies were lowered to what is there, and nothing was bought"
        if count.is_settled
        else "nothing of it is bought until that is settled"
    )
    return (
        f"{plain(count.booked)} {count.asset} are booked and {plain(count.there)} are there: "
        f"{SENTENCES[count.cause]}; {then}"
    )
