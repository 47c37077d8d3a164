"""Whatever is ordered, cancelled or moved, an account's money is accounted for."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from paper_exchange import amounts
from paper_exchange.answers import Refusal
from paper_exchange.matching import Engine
from paper_exchange.tickets import read
from paper_exchange.venue import Options, Venue

FUNDS = {"USDT": 50_000 * amounts.UNIT, "ETH": 10 * amounts.UNIT, "BNB": amounts.UNIT // 10}

orders = st.fixed_dictionaries(
    {
        "side": st.sampled_from(["BUY", "SELL"]),
        "type": st.sampled_from(["MARKET", "QUOTE", "GTC", "IOC", "FOK", "LIMIT_MAKER"]),
        "steps": st.integers(1, 90_000),
        "offset": st.integers(-300, 300),
        "tenths": st.integers(1, 10),
    }
)
moves = st.integers(320_000, 360_000)
actions = st.lists(st.one_of(orders, moves, st.just("cancel")), min_size=3, max_size=30)


def _params(order: dict[str, Any], last: int) -> dict[str, str]:
    quantity = amounts.show(order["steps"] * 10_000)
    price = amounts.show(max(1, last // 1_000_000 + order["offset"]) * 1_000_000)
    params = {"symbol": "ETHUSDT", "side": order["side"], "type": "LIMIT"}
    match order["type"]:
        case "MARKET":
            return params | {"type": "MARKET", "quantity": quantity}
        case "QUOTE":
            return params | {
                "type": "MARKET",
                "quoteOrderQty": amounts.show(order["steps"] * amounts.UNIT // 2),
            }
        case "LIMIT_MAKER":
            return params | {"type": "LIMIT_MAKER", "quantity": quantity, "price": price}
        case force:
            return params | {"timeInForce": force, "quantity": quantity, "price": price}


def _act(venue: Venue, engine: Engine, account, action) -> None:
    if action == "cancel":
        for order in list(account.open_orders.values())[:1]:
            engine.cancel(account, order, venue.now(), "c")
    elif isinstance(action, int):
        venue.prices.put("ETHUSDT", action * 1_000_000)
        venue.moved("ETHUSDT")
    else:
        ticket = read(_params(action, venue.prices.last["ETHUSDT"]), venue.symbols)
        try:
            engine.place(account, ticket, venue.now(), (action["tenths"], 10))
        except Refusal as refusal:
            assert refusal.code in (-1013, -2010)


@given(actions=actions, fees_in_bnb=st.booleans())
@settings(max_examples=150, deadline=None)
def test_balances_are_what_fills_and_fees_leave_and_open_orders_hold(actions, fees_in_bnb) -> None:
    venue = Venue(Options())
    account = venue.open_account(balances=FUNDS, fees_in_bnb=fees_in_bnb)
    for action in actions:
        _act(venue, venue.engine, account, action)

    expected = dict(FUNDS)
    for order, fill in account.trades.get("ETHUSDT", []):
        sign = 1 if order.side == "BUY" else -1
        expected["ETH"] += sign * fill.quantity
        expected["USDT"] -= sign * fill.quote
        expected[fill.commission_asset] -= fill.commission
    held = {asset: balance.free + balance.locked for asset, balance in account.balances.items()}
    assert held == expected
    assert all(balance.free >= 0 and balance.locked >= 0 for balance in account.balances.values())
    locked = sum(order.locked for order in account.open_orders.values())
    assert locked == sum(balance.locked for balance in account.balances.values())
    for order in venue.engine.accepted:
        assert order.executed == sum(fill.quantity for fill in order.fills) <= order.quantity
        assert (order.status == "FILLED") == (order.executed == order.quantity)
        assert order.is_open or order.locked == 0


@given(st.integers(0, 10**27))
def test_an_amount_reads_back_as_it_was_written(amount: int) -> None:
    assert amounts.parse(amounts.show(amount)) == amount
