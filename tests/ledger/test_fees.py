"""The arithmetic of performance fees, whatever a copy goes through."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ledger.fees import SMALLEST, Share, share_of

ZERO = Decimal(0)
money = st.decimals(min_value=-100_000, max_value=100_000, places=8)
percents = st.decimals(min_value=0, max_value=50, places=2)
# What happens to a copy: its result changes, its allocation changes, or fees are settled.
events = st.lists(
    st.one_of(
        st.tuples(st.just("result"), money), st.tuples(st.just("flow"), money), st.just(("settle", ZERO))
    ),
    max_size=40,
)


def settled(happened, percent, *, flows=True):
    """(fees, marks after each settling, results at those moments) of a copy that begins with 100,000."""
    equity, allocation, mark = Decimal(100_000), Decimal(100_000), ZERO
    shares, results = [], []
    for event, amount in happened:
        if event == "result":
            equity += amount
        elif event == "flow" and flows:
            equity, allocation = equity + amount, allocation + amount
        elif event == "settle":
            results.append(equity - allocation)
            shares.append(share_of(equity - allocation, mark=mark, percent=percent))
            mark = shares[-1].mark
    return shares, results


@given(money, st.decimals(min_value=0, max_value=100_000, places=8), percents)
def test_at_or_below_the_mark_there_is_no_fee_and_the_mark_stays(result, mark, percent):
    share = share_of(min(result, mark), mark=mark, percent=percent)
    assert share == Share(ZERO, ZERO, mark)


@given(events, percents)
def test_nobody_pays_twice_for_the_same_profit(happened, percent):
    shares, results = settled(happened, percent)
    best = max([ZERO, *results])
    total = sum((share.fee for share in shares), ZERO)
    assert total <= best * percent / 100
    # Nor is anything left out, but for what rounding leaves with who pays.
    assert total > best * percent / 100 - SMALLEST * (len(shares) + 1)


@given(events, percents)
def test_money_put_in_or_taken_out_is_no_profit(happened, percent):
    assert settled(happened, percent) == settled(happened, percent, flows=False)


@given(events, percents)
def test_the_mark_never_falls_and_a_fee_is_never_negative_nor_above_the_gain(happened, percent):
    shares, _results = settled(happened, percent)
    marks = [ZERO, *(share.mark for share in shares)]
    assert marks == sorted(marks)
    assert all(0 <= share.fee <= share.gain for share in shares)


@given(money, percents)
def test_settling_again_at_once_costs_nothing(result, percent):
    first = share_of(result, mark=ZERO, percent=percent)
    again = share_of(result, mark=first.mark, percent=percent)
    assert again.fee == 0


def test_a_tiny_gain_is_charged_once_it_adds_up():
    first = share_of(Decimal("0.00000003"), mark=ZERO, percent=Decimal(10))
    assert (first.fee, first.mark) == (ZERO, ZERO)
    assert share_of(Decimal("0.0000001"), mark=first.mark, percent=Decimal(10)).fee == SMALLEST
