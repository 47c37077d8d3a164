"""What a venue says after an order's end, and what an order that ended leaves to do."""

from __future__ import annotations

from decimal import Decimal
from unittest import mock

import pytest

from execution import settling
from execution.answers import FIRST_LOOK_UP, apply
from execution.states import Status
from ledger.booking import SubPosition
from tests.execution.test_answers import START, answer, claimed, fill, new_order, report
from tests.subscriptions.test_sizing import rules

ONE, TWO = Decimal(1), Decimal(2)
RULES = {"paper": {"BTC/USDT": rules(step="1", minimum="10")}}


def test_a_larger_order_than_ours_does_not_take_a_filled_one_back() -> None:
    order = claimed(new_order(), ONE, START)
    order.filled_amount = ONE
    apply(answer(order, report(ONE, (fill(1, ONE),), is_final=True)), order, START)
    assert order.status == Status.FILLED
    apply(answer(order, report(TWO, (fill(1, ONE),))), order, START)
    assert order.status == Status.FILLED


def test_fills_that_are_counted_but_not_told_of_an_order_that_was_given_up_are_asked_for() -> None:
    order = claimed(new_order(), ONE, START)
    order.status = Status.REJECTED.value
    apply(answer(order, report(ONE, (fill(1, ONE),), is_final=True)), order, START)
    assert (order.status, order.look_up_at) == (Status.REJECTED, START + FIRST_LOOK_UP)


def position(*, target: Decimal, held: Decimal) -> SubPosition:
    zero = Decimal(0)
    return SubPosition(1, 1, 7, "BTC/USDT", target, held, zero, zero, zero)


def test_an_entry_that_never_raised_the_target_does_not_lower_it() -> None:
    kept, order = position(target=TWO, held=ONE), new_order()
    order.requested_amount = ONE
    settling.take_off_target(order, kept)
    assert kept.target == TWO


@pytest.mark.parametrize(
    ("status", "filled", "known", "is_more"),
    [
        (Status.REJECTED, ONE, RULES, False),
        (Status.FILLED, ONE, RULES, True),
        (Status.CANCELED, Decimal(0), RULES, True),
        (Status.FILLED, ONE, {"paper": None}, True),
    ],
)
def test_an_exit_that_was_not_refused_goes_on_with_what_is_left(
    status: Status, filled: Decimal, known: dict[str, object], is_more: bool
) -> None:
    order = new_order(kind="exit")
    order.status, order.exchange = status.value, "paper"
    order.filled_amount, order.filled_cost = filled, filled * 100
    with mock.patch.object(settling, "rules_of", lambda venues: known):
        assert settling._can_sell_more(order, position(target=ONE, held=TWO)) is is_more
        assert settling._can_sell_more(order, position(target=TWO, held=TWO)) is False
