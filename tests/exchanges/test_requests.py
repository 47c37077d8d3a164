"""The request that really leaves, per venue: our order id, the kind of order, and how late it may come."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from exchanges import clock, gateway, loop
from exchanges.errors import FilterRefused, NotPlaced, OutcomeUnknown
from exchanges.types import OrderType, Side
from tests.exchanges.orders import ACCEPTED, OUR_ID, Wired, account_at, limit_ioc, market_sell, place

pytestmark = pytest.mark.usefixtures("every_venue_offered", "no_waiting")


def expected_ioc(exchange: str, signed: int) -> dict[str, Any]:
    """The fields that matter; others may be there."""
    bodies: dict[str, dict[str, Any]] = {
        "binance": {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "IOC",
            "quantity": "0.0012",
            "price": "97000.1",
            "newClientOrderId": OUR_ID,
            "newOrderRespType": "FULL",
            "timestamp": str(signed),
            "recvWindow": "5000",
        },
        "bybit": {
            "category": "spot",
            "symbol": "BTCUSDT",
            "side": "Buy",
            "orderType": "Limit",
            "timeInForce": "IOC",
            "qty": "0.0012",
            "price": "97000.1",
            "orderLinkId": OUR_ID,
        },
        "okx": {
            "instId": "BTC-USDT",
            "side": "buy",
            "ordType": "ioc",
            "sz": "0.0012",
            "px": "97000.1",
            "clOrdId": OUR_ID,
            "tdMode": "cash",
        },
        "kraken": {
            "pair": "XBTUSDT",
            "type": "buy",
            "ordertype": "limit",
            "timeinforce": "IOC",
            "volume": "0.0012",
            "price": "97000.1",
            "cl_ord_id": OUR_ID,
        },
        "kucoin": {
            "symbol": "BTC-USDT",
            "side": "buy",
            "type": "limit",
            "timeInForce": "IOC",
            "size": "0.0012",
            "price": "97000.1",
            "clientOid": OUR_ID,
        },
        "bitget": {
            "symbol": "BTCUSDT",
            "side": "buy",
            "orderType": "limit",
            "force": "IOC",
            "size": "0.0012",
            "price": "97000.1",
            "clientOid": OUR_ID,
        },
        "gate": {
            "currency_pair": "BTC_USDT",
            "side": "buy",
            "type": "limit",
            "time_in_force": "ioc",
            "amount": "0.0012",
            "price": "97000.1",
            "text": f"t-{OUR_ID}",
        },
        "coinbase": {
            "product_id": "BTC-USDT",
            "side": "BUY",
            "order_configuration": {"sor_limit_ioc": {"base_size": "0.0012", "limit_price": "97000.1"}},
            "client_order_id": OUR_ID,
        },
    }
    return bodies[exchange]


@pytest.mark.parametrize("exchange", sorted(ACCEPTED))
def test_one_order_is_one_request_with_our_id_and_exact_numbers(
    exchange: str, wired: Wired, signed_at: datetime
) -> None:
    wire = wired(exchange, ACCEPTED[exchange])
    report = place(exchange, limit_ioc(signed_at))
    assert len(wire.requests) == 1
    (sent,) = wire.requests
    assert sent["method"] == "POST"
    expected = expected_ioc(exchange, clock.milliseconds(signed_at))
    assert {name: sent["body"].get(name) for name in expected} == expected
    assert (report.venue_order_id, report.client_order_id) == ("7", OUR_ID)


@pytest.mark.parametrize("exchange", sorted(ACCEPTED))
def test_a_market_order_never_carries_a_price_or_a_cost(
    exchange: str, wired: Wired, signed_at: datetime
) -> None:
    wire = wired(exchange, ACCEPTED[exchange])
    place(exchange, market_sell(signed_at))
    body = dict(wire.requests[0]["body"])
    # Coinbase names the kind of order around its numbers.
    body |= body.pop("order_configuration", {}).get("market_market_ioc", {})
    assert not {"price", "px", "quoteOrderQty", "funds", "cost", "quote_size"} & set(body)
    assert "0.0012" in body.values()
    assert body.get("marketUnit", "baseCoin") == "baseCoin"
    assert body.get("tgtCcy", "base_ccy") == "base_ccy"


def expected_times(exchange: str, signed_at: datetime) -> dict[str, str]:
    """What says when the order was signed, or until when it may come."""
    signed, expires = clock.milliseconds(signed_at), clock.milliseconds(signed_at + timedelta(seconds=5))
    written = signed_at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{signed % 1000:03d}Z"
    return {
        "bybit": {"X-BAPI-TIMESTAMP": str(signed), "X-BAPI-RECV-WINDOW": "5000"},
        "okx": {"expTime": str(expires), "OK-ACCESS-TIMESTAMP": written},
        "kucoin": {"KC-API-TIMESTAMP": str(signed)},
        "bitget": {"ACCESS-TIMESTAMP": str(signed)},
    }[exchange]


@pytest.mark.parametrize("exchange", ["bybit", "okx", "kucoin", "bitget"])
def test_the_venue_is_told_in_the_head_how_late_an_order_may_come(
    exchange: str, wired: Wired, signed_at: datetime
) -> None:
    wire = wired(exchange, ACCEPTED[exchange])
    place(exchange, limit_ioc(signed_at))
    assert expected_times(exchange, signed_at).items() <= wire.requests[0]["headers"].items()


def test_kraken_is_told_in_the_body_how_late_an_order_may_come(wired: Wired, signed_at: datetime) -> None:
    wire = wired("kraken", ACCEPTED["kraken"])
    place("kraken", limit_ioc(signed_at))
    assert datetime.fromisoformat(wire.requests[0]["body"]["deadline"]) == signed_at + timedelta(seconds=5)


@pytest.mark.parametrize("exchange", sorted(ACCEPTED))
def test_an_order_whose_time_has_passed_is_not_sent_at_all(exchange: str, wired: Wired) -> None:
    wire = wired(exchange)
    with pytest.raises(NotPlaced, match="time had passed"):
        place(exchange, limit_ioc(datetime.now(UTC) - timedelta(seconds=6)))
    assert wire.requests == []


def test_okx_gets_a_single_order_not_a_batch(wired: Wired, signed_at: datetime) -> None:
    wire = wired("okx", ACCEPTED["okx"])
    place("okx", limit_ioc(signed_at))
    assert wire.requests[0]["path"] == "/api/v5/trade/order"


def test_krakens_nonce_rises_with_every_request_of_a_key(wired: Wired, signed_at: datetime) -> None:
    wire = wired("kraken", *[ACCEPTED["kraken"]] * 20)
    account = account_at("kraken")

    async def many() -> None:
        for _ in range(20):
            await gateway.place(account, limit_ioc(signed_at))

    loop.run(many(), 10)
    nonces = [int(request["body"]["nonce"]) for request in wire.requests]
    assert nonces == sorted(set(nonces))
    assert all(len(str(nonce)) == 19 for nonce in nonces)


def test_a_market_buy_in_base_is_refused_where_the_venue_would_read_it_as_cost(
    wired: Wired, signed_at: datetime
) -> None:
    wire = wired("bitget")
    with pytest.raises(FilterRefused, match="by cost"):
        place("bitget", replace(market_sell(signed_at), side=Side.BUY))
    assert wire.requests == []


@pytest.mark.parametrize(
    ("kind", "price"), [(OrderType.MARKET, Decimal(5)), (OrderType.LIMIT, None), (OrderType.LIMIT_IOC, None)]
)
def test_a_price_belongs_to_every_order_but_a_market_order(
    kind: OrderType, price: Decimal | None, wired: Wired, signed_at: datetime
) -> None:
    wire = wired("binance")
    with pytest.raises(ValueError, match="price"):
        place("binance", replace(limit_ioc(signed_at), type=kind, price=price))
    assert wire.requests == []


@pytest.mark.parametrize("answer", ['{"orderId": 7, "exec', [], {}, None, 5, {"orderId": 7}, "<html>"])
@pytest.mark.parametrize("exchange", ["binance", "okx", "bybit", "kraken"])
def test_an_answer_that_cannot_be_read_leaves_the_outcome_unknown(
    exchange: str, answer: Any, wired: Wired, signed_at: datetime
) -> None:
    wired(exchange, answer)
    with pytest.raises(OutcomeUnknown):
        place(exchange, limit_ioc(signed_at))
