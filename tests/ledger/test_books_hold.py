"""Whatever is told, twice, out of order or taken back: the books come to what an own calculation says."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance.audit import Origin
from exchanges.types import FillReport
from ledger.checking import check_books
from ledger.models import Fill, Mark, Position, Posting, Trade
from ledger.reversals import NotReversible, reverse_trade
from subscriptions.models import Subscription
from tests import factories
from tests.ledger.fills import book, fill

pytestmark = pytest.mark.django_db

NEARLY = Fraction(1, 10**12)
BNB_PRICE = Decimal(500)
few = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
quantities = st.integers(1, 5000).map(lambda n: str(Decimal(n) / 10000))
prices = st.integers(1, 9_000_000).map(lambda n: str(Decimal(n) / 100))
fees = st.tuples(
    st.integers(0, 50).map(lambda n: str(Decimal(n) / 10**6)), st.sampled_from(["USDT", "BTC", "BNB"])
)
parts = st.sampled_from([Decimal("0.25"), Decimal("0.5"), Decimal(1)])
steps = st.one_of(
    st.tuples(st.just("buy"), quantities, prices, fees),
    st.tuples(st.just("sell"), parts, prices, fees),
    st.tuples(st.just("again"), st.integers(0, 50)),
    st.tuples(st.just("reverse"), st.integers(0, 50)),
)


class Account:
    """What an accountant would write down beside: exact fractions, by average cost."""

    def __init__(self) -> None:
        self.held = self.cost = self.cash = self.realised = self.fees = Fraction(0)

    def add(self, one: FillReport) -> None:
        money, amount = Fraction(one.price) * Fraction(one.quantity), Fraction(one.quantity)
        fee = Fraction(one.fee)
        worth = {"USDT": fee, "BTC": fee * Fraction(one.price), "BNB": fee * Fraction(BNB_PRICE)}[
            one.fee_asset
        ]
        coins, paid = (fee, Fraction(0)) if one.fee_asset == "BTC" else (Fraction(0), worth)
        self.fees += worth
        if one.side == "buy":
            self.held += amount - coins
            self.cost += money + paid
            self.cash -= money + paid
            return
        gone = min(amount + coins, self.held)
        share = gone / (amount + coins)
        cost = self.cost * gone / self.held if self.held else Fraction(0)
        self.held -= gone
        self.cost -= cost
        self.cash += money - paid
        self.realised += (money - paid) * share - cost


def nearly(kept: Decimal, exact: Fraction) -> bool:
    return abs(Fraction(kept) - exact) <= NEARLY


def sale(copy: Subscription, part: Decimal, price: str, fee: tuple[str, str]) -> FillReport | None:
    """Of what is held then; in a fee of the coin itself nothing is left for."""
    row = Position.objects.filter(subscription=copy).first()
    amount = (row.held * part).quantize(Decimal("0.0001")) if row else Decimal(0)
    if not 0 < amount <= (row.held if row else 0):
        return None
    return fill("sell", str(amount), price, "0" if fee[1] == "BTC" else fee[0], fee[1])


def everything() -> list[object]:
    models = (Fill, Trade, Posting, Position, Subscription)
    rows = [row for model in models for row in model.objects.order_by("pk").values()]
    return [{name: value for name, value in row.items() if name != "updated_at"} for row in rows]


@few
@given(st.lists(steps, min_size=1, max_size=14))
def test_any_history_comes_to_what_its_standing_fills_come_to(history: list[tuple[Any, ...]]) -> None:
    copy = factories.SubscriptionFactory.create()
    Mark.objects.get_or_create(
        exchange="paper", symbol="BNB/USDT", defaults={"price": BNB_PRICE, "at": timezone.now()}
    )
    told: list[FillReport] = []
    trades: dict[int, FillReport] = {}
    for step in history:
        if step[0] in ("buy", "sell"):
            one = fill("buy", step[1], step[2], *step[3]) if step[0] == "buy" else sale(copy, *step[1:])
            if one:
                told.append(one)
                (trade,) = book(copy, [one])
                trades[trade.pk] = one
        elif told and step[0] == "again":
            assert book(copy, [told[step[1] % len(told)], *told[:2]]) == []
        elif trades:
            key = list(trades)[step[1] % len(trades)]
            try:
                reverse_trade(
                    trade_id=Trade.objects.get(pk=key).public_id,
                    reason="x",
                    origin=Origin(),
                    now=timezone.now(),
                )
            except NotReversible:
                continue
            del trades[key]

    expected = Account()
    for one in trades.values():
        expected.add(one)
    row = Position.objects.filter(subscription=copy).first() or Position()
    kept = Subscription.objects.get(pk=copy.pk)
    assert nearly(row.held, expected.held)
    assert nearly(row.cost, expected.cost)
    assert nearly(row.realised_pnl, expected.realised)
    assert nearly(row.fees, expected.fees)
    assert nearly(kept.cash, 1000 + expected.cash)
    assert kept.realised_pnl == row.realised_pnl
    # Nothing is made of nothing: what the copy has is what it began with, and its result.
    assert nearly(kept.cash + row.cost, 1000 + expected.realised)
    before = everything()
    assert book(copy, told) == []
    assert everything() == before
    assert list(check_books()) == []
    _nets_to_zero(copy, row.held)


def _nets_to_zero(copy: Subscription, held: Decimal) -> None:
    """In every asset what left somewhere came somewhere; and the copy's part is what it holds."""
    moved: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for posting in Posting.objects.filter(trade__subscription=copy):
        moved[posting.source, posting.asset] -= posting.amount
        moved[posting.destination, posting.asset] += posting.amount
    for asset in {asset for _, asset in moved}:
        assert sum(amount for (_, one), amount in moved.items() if one == asset) == 0
    assert moved[f"subscription:{copy.pk}:position", "BTC"] == held


@few
@given(
    st.lists(st.tuples(quantities, prices, fees), min_size=2, max_size=8), st.randoms(use_true_random=False)
)
def test_fills_told_together_in_any_order_are_booked_in_the_order_of_their_time(orders, random) -> None:
    fills = [fill("buy", amount, price, *fee) for amount, price, fee in orders]
    fills.append(fill("sell", "0.0001", "100"))
    shuffled = [*fills, *fills[:2]]
    random.shuffle(shuffled)
    one, other = factories.SubscriptionFactory.create(), factories.SubscriptionFactory.create()
    book(one, fills)
    book(other, shuffled)
    columns = ("held", "cost", "realised_pnl", "fees")
    in_order, mixed = (
        Position.objects.filter(subscription=copy).values_list(*columns) for copy in (one, other)
    )
    assert list(in_order) == list(mixed)


# --- Stories ------------------------------------------------------------------------------------------


def test_a_month_of_a_copy() -> None:
    """1,000 USDT are put behind a strategy.

    3rd: 0.01 BTC bought at 40,000, fee 0.1 %: 400.40 leave. 10th: 0.01 BTC at 42,000, fee 0.42: 420.42 leave.
    0.02 BTC have cost 820.82, that is 41,041 each. 20th: 0.015 BTC sold at 44,000, fee 0.66: 659.34 come in,
    they had cost 615.615, so 43.725 are made. What is left, 0.005 BTC, has cost 205.205; cash is 838.52.
    """
    copy = factories.SubscriptionFactory.create()
    trades = book(
        copy,
        [
            fill("buy", "0.01", "40000", "0.40"),
            fill("buy", "0.01", "42000", "0.42"),
            fill("sell", "0.015", "44000", "0.66"),
        ],
    )
    row, kept = Position.objects.get(subscription=copy), Subscription.objects.get(pk=copy.pk)
    assert trades[-1].realised_pnl == Decimal("43.725")
    assert (row.held, row.cost, row.fees) == (Decimal("0.005"), Decimal("205.205"), Decimal("1.48"))
    assert (kept.cash, kept.realised_pnl) == (Decimal("838.52"), Decimal("43.725"))
    assert kept.cash + row.cost == 1000 + kept.realised_pnl


def test_a_fee_in_the_exchanges_own_coin() -> None:
    """1 BTC bought at 100 with a fee of 0.0002 BNB, then worth 500: 0.10 of cash, though BNB pays it.

    The BNB leave the account's unallocated coins, not the copy. Sold at 101 without a fee: 0.90 are made.
    """
    Mark.objects.create(exchange="paper", symbol="BNB/USDT", price=500, at=timezone.now())
    copy = factories.SubscriptionFactory.create()
    bought, sold = book(copy, [fill("buy", "1", "100", "0.0002", "BNB"), fill("sell", "1", "101")])
    assert (bought.fee_in_quote, sold.realised_pnl) == (Decimal("0.1"), Decimal("0.9"))
    paid = Posting.objects.get(trade=bought, asset="BNB")
    assert (paid.source, paid.destination) == (
        f"account:{copy.exchange_account_id}:unallocated",
        "venue:paper:fees",
    )
    assert Subscription.objects.get(pk=copy.pk).cash == Decimal("1000.9")


def test_a_fee_whose_coin_has_no_price_is_unknown_and_not_nothing() -> None:
    copy = factories.SubscriptionFactory.create()
    (trade,) = book(copy, [fill("buy", "1", "100", "0.01", "XYZ")])
    assert (trade.fee, trade.fee_asset, trade.fee_in_quote) == (Decimal("0.01"), "XYZ", None)
    assert list(check_books()) == []
