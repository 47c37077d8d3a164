"""The campaign's judge finds every kind of difference: it would be worth nothing if it did not."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.crashes.comparison import (
    Account,
    BookedOrder,
    Books,
    Fill,
    VenueOrder,
    compare,
    nobody_holds,
)

MASTER = "1"
ONE, FIVE = Decimal(1), Decimal(5)


def fill(uid: str, order_id: str = "7", trade_id: str = "70") -> Fill:
    return Fill(uid, order_id, trade_id, "buy", Decimal("0.001"), FIVE, Decimal("0.005"), "XRP")


def at_venue(uid: str, client_order_id: str, order_id: str) -> VenueOrder:
    return VenueOrder(uid, order_id, client_order_id, FIVE, (fill(uid, order_id),))


VENUE = [at_venue(MASTER, "by-hand", "6"), at_venue("2", "c2", "7"), at_venue("3", "c3", "8")]
ORDER = BookedOrder(
    uid="2",
    client_order_id="c2",
    signal=1,
    status="filled",
    reason="",
    attempt=1,
    requested=FIVE,
    filled=FIVE,
)
ACCOUNT = Account(
    uid="2",
    held=Decimal("4.995"),
    cash_change=Decimal("-0.005"),
    reserved=Decimal(0),
    base_at_venue=Decimal("4.995"),
    quote_at_venue=Decimal("-0.005"),
)
BOOKS = Books(
    orders=[ORDER, replace(ORDER, uid="3", client_order_id="c3")],
    fills=[fill("2", "7"), fill("3", "8")],
    signals={1: "done"},
    signal_fills=[("6", "70")],
    accounts=[ACCOUNT, replace(ACCOUNT, uid="3")],
)


def different(venue: list[VenueOrder], books: Books) -> set[str]:
    return {check.name for check in compare(venue, MASTER, books) if check.differences}


def with_order(**changes: object) -> Books:
    return replace(BOOKS, orders=[replace(ORDER, **changes), *BOOKS.orders[1:]])  # type: ignore[arg-type]


def with_account(**changes: Decimal) -> Books:
    return replace(BOOKS, accounts=[replace(ACCOUNT, **changes), *BOOKS.accounts[1:]])  # type: ignore[arg-type]


def test_books_that_agree_with_the_exchange_have_no_difference() -> None:
    assert different(VENUE, BOOKS) == set()


def test_an_order_that_the_exchange_does_not_have_is_lost() -> None:
    assert "orders lost" in different(VENUE[:2], BOOKS)


def test_an_order_accepted_twice_is_doubled_though_it_is_booked_once() -> None:
    again = replace(at_venue("2", "c2", "9"), executed=Decimal(0), fills=())
    assert different([*VENUE, again], BOOKS) == {"orders doubled"}


def test_an_order_that_nobody_knows_is_a_difference() -> None:
    assert "orders doubled" in different([*VENUE, at_venue("2", "c4", "9")], BOOKS)


def test_a_follower_left_out_is_a_difference() -> None:
    quiet = replace(BOOKS, orders=[ORDER], fills=BOOKS.fills[:1])
    assert different(VENUE[:2], quiet) == {"an order for each follower and signal"}


@pytest.mark.parametrize(
    ("signal_fills", "signals"),
    [([], {1: "done"}), ([("6", "70"), ("6", "70")], {1: "done"}), ([("6", "70")], {1: "copying"})],
)
def test_a_masters_fill_unseen_or_seen_twice_and_a_signal_not_done_are_differences(
    signal_fills: list[tuple[str, str]], signals: dict[int, str]
) -> None:
    books = replace(BOOKS, signal_fills=signal_fills, signals=signals)
    assert different(VENUE, books) == {"master's fills in one signal each"}


@pytest.mark.parametrize(
    "fills",
    [
        BOOKS.fills[:1],
        [*BOOKS.fills, fill("2", "7")],
        [*BOOKS.fills, fill("2", "7", "71")],
        [replace(BOOKS.fills[0], fee=Decimal("0.006")), BOOKS.fills[1]],
    ],
    ids=["missing", "twice", "invented", "another fee"],
)
def test_fills_missing_doubled_invented_or_changed_are_differences(fills: list[Fill]) -> None:
    assert different(VENUE, replace(BOOKS, fills=fills)) == {"fills booked once"}


def test_another_amount_than_the_exchange_filled_is_a_difference() -> None:
    assert different(VENUE, with_order(filled=ONE)) == {"amounts filled as booked"}


def test_more_filled_than_was_asked_for_is_a_difference() -> None:
    assert different(VENUE, with_order(requested=ONE)) == {"amounts filled as booked"}


@pytest.mark.parametrize("changes", [{"status": "unknown"}, {"status": "canceled"}])
def test_an_order_not_final_or_without_its_reason_is_a_difference(changes: dict[str, str]) -> None:
    assert different(VENUE, with_order(**changes)) == {"a final state with a reason"}


@pytest.mark.parametrize("changes", [{"held": FIVE}, {"cash_change": ONE}])
def test_a_position_or_cash_unlike_the_account_is_a_difference(changes: dict[str, Decimal]) -> None:
    assert different(VENUE, with_account(**changes)) == {"positions and cash as at the exchange"}


def test_cash_still_set_aside_is_a_difference() -> None:
    assert different(VENUE, with_account(reserved=ONE)) == {"no cash reserved any more"}


def test_holding_more_than_dust_after_the_master_sold_all_is_a_difference() -> None:
    assert len(nobody_holds(BOOKS, at_most=ONE).differences) == 2
    assert nobody_holds(with_account(held=ONE), at_most=FIVE).differences == []
