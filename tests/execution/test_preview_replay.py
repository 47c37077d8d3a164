"""The arithmetic of previews, for any trades and settings."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges.rounding import EXACT
from exchanges.types import MarketRules
from execution.reasons import Cut, Reason
from execution.replay import Copier, Replay, replay
from risk.checks import Limits
from strategies.models import Signal, Strategy
from subscriptions.relations import Relation

START = datetime(2025, 10, 4, tzinfo=UTC)
SYMBOLS = ["BTC/USDT", "ETH/USDT"]
STRATEGY = Strategy(pk=1, symbols=[*SYMBOLS, "DOGE/USDT"], quote="USDT", max_signal_age_seconds=30)


def market(symbol: str = "BTC/USDT", **changes: Any) -> MarketRules:
    base, _, quote = symbol.partition("/")
    rules = MarketRules(
        symbol=symbol,
        base=base,
        quote=quote,
        active=True,
        lot_step=Decimal("0.00001"),
        tick_size=Decimal("0.01"),
        min_quantity=Decimal("0.00001"),
        max_quantity=Decimal(0),
        max_market_quantity=Decimal(0),
        min_notional=Decimal(5),
    )
    return replace(rules, **changes)


RULES = {symbol: market(symbol) for symbol in SYMBOLS}


def trade(side: str, amount: str, price: str = "100000", **changes: Any) -> Signal:
    values: dict[str, Any] = {
        "at": START,
        "symbol": "BTC/USDT",
        "master_equity": Decimal(10000),
        "exit_fraction": Decimal(1) if side == "sell" else None,
    }
    return Signal(
        strategy=STRATEGY,
        number=1,
        side=side,
        amount=Decimal(amount),
        price=Decimal(price),
        **(values | changes),
    )


def copier(
    mode: str = "proportional",
    value: str = "1",
    allocation: str = "1000",
    limits: Limits | None = None,
    **changes: Any,
) -> Copier:
    relation = Relation(
        id=1,
        follower_id=1,
        exchange_account_id=1,
        status="active",
        allocation=Decimal(allocation),
        cash=Decimal(allocation),
        reserved=Decimal(0),
        realised_pnl=Decimal(0),
        sizing_mode=mode,
        sizing_value=Decimal(value),
        max_slippage_bps=30,
        symbols_blocked=[],
    )
    return Copier(replace(relation, **changes), "paper", "Europe/Berlin", limits or Limits())


def replayed(story: list[Signal], settings: Copier, rules: dict[str, MarketRules]) -> Replay:
    return replay(story, STRATEGY, settings, rules)


def amounts(low: str, high: str) -> st.SearchStrategy[Decimal]:
    return st.decimals(Decimal(low), Decimal(high), places=8, allow_nan=False, allow_infinity=False)


def mostly(common: st.SearchStrategy[Any], rare: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """So that most examples come as far as an order."""
    return st.one_of(*[common] * 7, rare)


trades = st.builds(
    lambda minutes, seconds, **fields: Signal(
        strategy=STRATEGY,
        number=1,
        at=START + timedelta(minutes=minutes),
        detected_at=START + timedelta(minutes=minutes, seconds=seconds),
        **fields,
    ),
    minutes=st.integers(0, 1000),
    symbol=st.sampled_from(SYMBOLS),
    side=st.sampled_from(["buy", "buy", "sell"]),
    amount=amounts("0.001", "10"),
    price=mostly(amounts("100", "10000"), amounts("0.01", "200000")),
    master_equity=mostly(amounts("100", "20000"), st.none()),
    order_amount=st.none() | amounts("0.001", "10"),
    exit_fraction=st.none() | amounts("0.00001", "1"),
    seconds=mostly(st.just(1), st.just(31)),
)
copiers = st.builds(
    copier,
    mode=st.sampled_from(["proportional", "multiplier", "fixed_notional"]),
    value=mostly(amounts("0.1", "5"), amounts("5", "5000")).map(str),
    allocation=amounts("50", "100000").map(str),
    limits=mostly(
        st.just(Limits()),
        st.builds(
            Limits,
            max_order_notional=st.none() | amounts("5", "1000"),
            max_open_notional=st.none() | amounts("100", "10000"),
            max_slippage_bps=st.none() | st.just(5),
            max_daily_loss=st.none() | amounts("1", "100"),
            max_open_positions=st.none() | st.just(1),
            max_orders_per_day=st.none() | st.integers(1, 5),
            oversize=st.sampled_from(["deny", "cut"]),
        ),
    ),
    max_slippage_bps=st.integers(0, 1000),
)
markets = st.builds(
    lambda step, tick, minimum, fee, most: {
        symbol: market(
            symbol,
            lot_step=step,
            min_quantity=step,
            tick_size=tick,
            min_notional=minimum,
            taker_fee=fee,
            max_market_quantity=most,
        )
        for symbol in SYMBOLS
    },
    st.sampled_from(["0.00000001", "0.00001", "0.001", "0.1"]).map(Decimal),
    st.sampled_from(["0.00000001", "0.01", "0.1", "10"]).map(Decimal),
    st.sampled_from(["0", "5", "20"]).map(Decimal),
    st.sampled_from(["0", "0.001", "0.006"]).map(Decimal),
    st.sampled_from(["0", "2"]).map(Decimal),
)
stories = st.lists(trades, min_size=2, max_size=15)


def cash_after_each(result: Replay, allocation: Decimal) -> list[Decimal]:
    """Worked out anew from the orders alone."""
    cash, seen = allocation, [allocation]
    with localcontext(EXACT):
        for order in result.orders:
            notional = order.amount * order.price
            cash += notional - order.fee if order.side == "sell" else -notional
            seen.append(cash)
    return seen


def held_after(result: Replay, rules: dict[str, MarketRules]) -> dict[str, Decimal]:
    """And never below 0 on the way. The fee of a purchase is taken from the coins."""
    held: dict[str, Decimal] = defaultdict(Decimal)
    with localcontext(EXACT):
        for order in result.orders:
            bought = order.amount * (1 - rules[order.symbol].taker_fee)
            held[order.symbol] += bought if order.side == "buy" else -order.amount
            assert held[order.symbol] >= 0
    return held


@given(stories, copiers, markets)
def test_no_more_is_spent_than_was_put_in_and_no_more_sold_than_is_held(story, settings, rules):
    result = replayed(story, settings, rules)
    assert min(cash_after_each(result, settings.relation.allocation)) >= 0
    held_after(result, rules)


@given(stories, copiers, markets)
def test_the_result_is_what_its_orders_make_of_the_money(story, settings, rules):
    result = replayed(story, settings, rules)
    prices = {past.symbol: past.price for past in story}
    with localcontext(EXACT):
        worth = cash_after_each(result, settings.relation.allocation)[-1]
        worth += sum(
            (amount * prices[symbol] for symbol, amount in held_after(result, rules).items()), Decimal(0)
        )
        # The books keep 18 places of each sum.
        assert abs(result.pnl - (worth - settings.relation.allocation)) <= Decimal("1e-15")
        assert result.fees == sum((order.fee for order in result.orders), Decimal(0))
    assert 0 <= result.max_drawdown <= 1
    assert result.largest_order == max((order.notional for order in result.orders), default=0)


@given(stories, copiers, markets)
def test_every_trade_is_accounted_for_with_a_reason_that_has_a_sentence(story, settings, rules):
    result = replayed(story, settings, rules)
    assert result.trades == len(story) == result.copied + sum(result.skipped.values())
    assert all(Reason(code).sentence for code in result.skipped)
    assert all(Cut(code).sentence for code in result.cut)


@given(stories, copiers, markets)
def test_every_order_is_one_that_the_venue_takes(story, settings, rules):
    for order in replayed(story, settings, rules).orders:
        venue = rules[order.symbol]
        assert order.amount % venue.lot_step == 0 and order.amount >= venue.min_quantity
        if order.side == "sell":
            assert order.notional >= venue.min_notional
            assert not venue.max_market_quantity or order.amount <= venue.max_market_quantity


@given(stories, copiers, markets)
def test_the_same_trades_give_the_same_answer_and_later_ones_change_nothing_before(story, settings, rules):
    whole = replayed(story, settings, rules)
    assert replayed(list(story), replace(settings), dict(rules)) == whole
    half = replayed(story[: len(story) // 2], settings, rules)
    assert whole.orders[: len(half.orders)] == half.orders


def test_a_round_trip_wins_the_move_less_both_fees():
    # 10 % of the equity: 100 USDT at the bound of 100300, down to the lot step. The fee of the purchase is
    # taken from the coins, so that one lot step of them stays behind.
    story = [trade("buy", "0.01"), trade("sell", "0.01", "110000", at=START + timedelta(days=1))]
    result = replayed(story, copier(), RULES)
    bought, sold = result.orders
    assert (bought.amount, sold.amount) == (Decimal("0.00099"), Decimal("0.00098"))
    assert (bought.notional, bought.fee) == (Decimal("99"), Decimal("0.099"))
    assert (sold.notional, sold.fee) == (Decimal("107.8"), Decimal("0.1078"))
    left = Decimal("0.00000901") * 110_000
    assert result.pnl == sold.notional - sold.fee - bought.notional + left == Decimal("9.6833")
    assert result.fees == Decimal("0.2068")
    assert result.largest_order == Decimal("107.8")
    assert (result.copied, result.skipped) == (2, {})


def test_what_is_still_held_counts_at_the_masters_last_price():
    fallen = trade("buy", "0.01", "50000", master_equity=None, at=START + timedelta(days=1))
    result = replayed([trade("buy", "0.01"), fallen], copier(), RULES)
    assert result.skipped == {"master_equity_unknown": 1}
    assert result.realised_pnl == 0
    # 0.00098901 of what cost 99 USDT is left after the fee.
    assert result.pnl == Decimal("0.00098901") * 50_000 - 99
    assert result.max_drawdown == Decimal("0.04954950")
    assert result.lowest is not None
    assert (result.lowest.pnl, result.lowest.at) == (result.pnl, fallen.at)


def test_what_is_too_small_waits_and_joins_the_next_trade():
    small = trade("buy", "0.0004")  # 4 USDT of 1000
    result = replayed([small, small], copier(), RULES)
    assert result.skipped == {"below_minimum": 1}
    assert [order.amount for order in result.orders] == [Decimal("0.00007")]


def test_an_entry_is_cut_to_the_money_that_is_left_and_the_rest_is_never_chased():
    all_in = trade("buy", "1", master_equity=Decimal(1))
    result = replayed([all_in, all_in, trade("buy", "0.01")], copier(), RULES)
    assert len(result.orders) == 1
    assert result.skipped == {"allocation_used": 2}


def test_a_large_exit_is_sold_in_parts():
    rules = {"BTC/USDT": market(max_market_quantity=Decimal("0.0004"))}
    result = replayed([trade("buy", "0.01"), trade("sell", "0.01")], copier(), rules)
    assert [order.amount for order in result.orders if order.side == "sell"] == [
        Decimal("0.0004"),
        Decimal("0.0004"),
        Decimal("0.00018"),
    ]
    assert result.copied == 2


@pytest.mark.parametrize(
    ("changes", "story", "reason"),
    [
        ({"status": "paused"}, trade("buy", "0.01"), "paused"),
        ({"symbols_blocked": SYMBOLS}, trade("buy", "0.01"), "symbol_blocked"),
        ({"limits": Limits(kill_switch="close_only")}, trade("buy", "0.01"), "kill_switch"),
        ({"limits": Limits(max_order_notional=Decimal(50))}, trade("buy", "0.01"), "max_order_notional"),
        ({"limits": Limits(symbols_blocked=SYMBOLS)}, trade("buy", "0.01"), "symbols_blocked"),
        ({}, trade("buy", "0.01", symbol="LTC/USDT"), "symbol_dropped"),
        ({}, trade("buy", "0.01", detected_at=START + timedelta(seconds=31)), "signal_too_old"),
        ({}, trade("buy", "0.01", symbol="DOGE/USDT"), "symbol_not_listed"),
        ({}, trade("sell", "0.01"), "nothing_to_sell"),
        ({"max_slippage_bps": 0}, trade("buy", "0.01", "100000.005"), "beyond_slippage"),
        ({}, trade("buy", "1000", "0.001"), "symbol_not_listed"),
        (
            {"limits": Limits(currency="EUR", max_order_notional=Decimal(50))},
            trade("buy", "0.01"),
            "price_unknown",
        ),
    ],
)
def test_a_rule_that_stops_a_trade_is_named(changes, story, reason):
    result = replayed([story], copier(**changes), RULES)
    assert (result.orders, dict(result.skipped)) == ((), {reason: 1})
    assert result.pnl == 0


def test_the_limit_for_all_that_is_open_counts_what_was_bought_and_is_free_again_when_sold():
    settings = copier(limits=Limits(max_open_notional=Decimal(150)))
    buy, sell = trade("buy", "0.01"), trade("sell", "0.01")
    result = replayed([buy, buy, sell, buy], settings, RULES)
    assert [order.side for order in result.orders] == ["buy", "sell", "buy"]
    assert result.skipped == {"max_open_notional": 1}


def test_what_the_price_bound_refused_is_not_bought_with_the_next_trade():
    settings = copier(max_slippage_bps=0)
    result = replayed([trade("buy", "0.01", "100000.005"), trade("buy", "0.001")], settings, RULES)
    assert [order.amount for order in result.orders] == [Decimal("0.0001")]


def test_orders_of_a_day_are_counted_where_the_person_lives():
    settings = copier(limits=Limits(max_orders_per_day=2))
    hours = [20, 20.5, 21, 22.5]  # The last one is on the next day in Berlin.
    story = [trade("buy", "0.001", at=START + timedelta(hours=hour)) for hour in hours]
    result = replayed(story, settings, RULES)
    assert (len(result.orders), result.skipped) == (3, {"max_orders_per_day": 1})
    # A sale counts too, and is never stopped.
    sale = trade("sell", "0.001", at=START + timedelta(hours=20.5))
    assert len(replayed([story[0], sale, story[1]], settings, RULES).orders) == 2


def test_a_further_position_than_allowed_is_stopped_and_more_of_an_open_one_is_not():
    settings = copier(limits=Limits(max_open_positions=1))
    other = trade("buy", "0.01", symbol="ETH/USDT")
    result = replayed([trade("buy", "0.01"), trade("buy", "0.01"), other], settings, RULES)
    assert (len(result.orders), result.skipped) == (2, {"max_open_positions": 1})


def test_a_days_loss_stops_entries_until_the_next_day():
    settings = copier(limits=Limits(max_daily_loss=Decimal(5)))
    story = [
        trade("buy", "0.01"),
        trade("buy", "0.01", "90000", at=START + timedelta(hours=1)),
        trade("buy", "0.01", "90000", at=START + timedelta(days=1)),
    ]
    result = replayed(story, settings, RULES)
    assert (len(result.orders), result.skipped) == (2, {"max_daily_loss": 1})


def test_what_limits_or_money_make_smaller_is_told_as_cut():
    settings = copier(limits=Limits(max_order_notional=Decimal(50), oversize="cut"))
    result = replayed([trade("buy", "0.01")], settings, RULES)
    assert [order.amount for order in result.orders] == [Decimal("0.00049")]
    assert result.cut == {"max_order_notional": 1}
    all_in = trade("buy", "1", master_equity=Decimal(1))
    assert replayed([all_in], copier(), RULES).cut == {"allocation": 1}
    assert replayed([trade("buy", "0.01")], copier(), RULES).cut == {}
