"""How each venue is asked for an order and its fills, and what its answers say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from exchanges import clock, gateway, loop
from exchanges.errors import Unavailable
from exchanges.types import OrderReport, OrderType
from tests.exchanges.orders import ACCEPTED, OUR_ID, Wired, account_at, limit_ioc, place

pytestmark = pytest.mark.usefixtures("every_venue_offered", "no_waiting")


OKX_ORDER = {
    "ordId": "7",
    "clOrdId": OUR_ID,
    "instId": "BTC-USDT",
    "side": "buy",
    "ordType": "ioc",
    "sz": "0.002",
    "accFillSz": "0.001",
    "avgPx": "97000",
    "px": "97100",
    "state": "canceled",
    "cTime": "1700000000000",
    "uTime": "1700000000500",
}
OKX_FILL = {
    "tradeId": "99",
    "ordId": "7",
    "clOrdId": OUR_ID,
    "instId": "BTC-USDT",
    "side": "buy",
    "fillSz": "0.001",
    "fillPx": "97000",
    "fee": "-0.000001",
    "feeCcy": "BTC",
    "ts": "1700000000400",
}
SINCE = datetime(2023, 11, 14, tzinfo=UTC)


def look_up(exchange: str, client_order_id: str = OUR_ID, venue_order_id: str = "") -> OrderReport | None:
    question = gateway.look_up(
        account_at(exchange),
        client_order_id=client_order_id,
        symbol="BTC/USDT",
        since=SINCE,
        venue_order_id=venue_order_id,
    )
    return loop.run(question, 10)


def test_okx_is_asked_by_our_id_and_then_for_the_orders_fills(wired: Wired) -> None:
    wire = wired("okx", {"code": "0", "data": [OKX_ORDER]}, {"code": "0", "data": [OKX_FILL]})
    report = look_up("okx")
    assert wire.requests[0]["path"] == "/api/v5/trade/order"
    assert wire.requests[0]["query"]["clOrdId"] == OUR_ID
    assert wire.requests[1]["query"]["ordId"] == "7"
    assert report is not None
    assert report.is_final
    assert report.fills_complete
    assert report.fills[0].trade_id == "99"
    assert (report.fills[0].fee, report.fills[0].fee_asset) == (Decimal("0.000001"), "BTC")


def test_where_the_answer_has_no_fills_they_are_asked_for_until_the_order_is_over(
    wired: Wired, signed_at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "FOLLOW_UP_SECONDS", (0, 0, 0))
    live = {**OKX_ORDER, "state": "live", "accFillSz": "0"}
    wired(
        "okx",
        ACCEPTED["okx"],
        {"code": "0", "data": [live]},
        {"code": "0", "data": [OKX_ORDER]},
        {"code": "0", "data": [OKX_FILL]},
    )
    report = place("okx", limit_ioc(signed_at))
    assert report.is_final
    assert report.filled == Decimal("0.001")
    assert report.fills_complete


def test_a_resting_order_is_looked_at_once(
    wired: Wired, signed_at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "FOLLOW_UP_SECONDS", (0, 0, 0))
    live = {**OKX_ORDER, "state": "live", "accFillSz": "0", "ordType": "limit"}
    wire = wired("okx", ACCEPTED["okx"], *[{"code": "0", "data": [live]}] * 3)
    assert not place("okx", replace(limit_ioc(signed_at), type=OrderType.LIMIT)).is_final
    assert len(wire.requests) == 2


def test_an_order_stands_although_nobody_can_tell_its_fate(
    wired: Wired, signed_at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "FOLLOW_UP_SECONDS", (0, 0, 0))
    wired("okx", ACCEPTED["okx"], "<html>", [], {})
    report = place("okx", limit_ioc(signed_at))
    assert report.venue_order_id == "7"
    assert not report.is_final


BYBIT_ORDER = {
    "orderId": "7",
    "orderLinkId": OUR_ID,
    "symbol": "BTCUSDT",
    "side": "Buy",
    "orderType": "Limit",
    "timeInForce": "IOC",
    "qty": "0.002",
    "cumExecQty": "0.001",
    "cumExecValue": "97",
    "avgPrice": "97000",
    "price": "97100",
    "orderStatus": "PartiallyFilledCanceled",
    "createdTime": "1700000000000",
    "updatedTime": "1700000000500",
}
BYBIT_FILL = {
    "execId": "99",
    "orderId": "7",
    "orderLinkId": OUR_ID,
    "symbol": "BTCUSDT",
    "side": "Buy",
    "execQty": "0.001",
    "execPrice": "97000",
    "execFee": "0.000001",
    "feeCurrency": "BTC",
    "execTime": "1700000000400",
}


def bybit_list(*rows: Any) -> Any:
    return {"retCode": 0, "result": {"category": "spot", "list": list(rows), "nextPageCursor": ""}}


def test_bybit_is_asked_for_open_orders_first_and_closed_ones_second(wired: Wired) -> None:
    wire = wired("bybit", bybit_list(), bybit_list(BYBIT_ORDER), bybit_list(BYBIT_FILL))
    report = look_up("bybit")
    assert [request["path"] for request in wire.requests] == [
        "/v5/order/realtime",
        "/v5/order/history",
        "/v5/execution/list",
    ]
    for request in wire.requests[:2]:
        assert request["query"]["orderLinkId"] == OUR_ID
        assert request["query"]["category"] == "spot"
    assert report is not None
    # Bybit calls a part-filled immediate-or-cancel order closed: what was filled decides.
    assert report.is_final
    assert (report.filled, report.requested) == (Decimal("0.001"), Decimal("0.002"))
    assert report.fills_complete


def kraken_orders(name: str, *orders: Any) -> Any:
    return {"error": [], "result": {name: {order["id"]: order for order in orders}}}


KRAKEN_ORDER = {
    "id": "OABC",
    "cl_ord_id": OUR_ID,
    "status": "closed",
    "opentm": 1700000000.1,
    "closetm": 1700000000.6,
    "descr": {"pair": "XBTUSDT", "type": "buy", "ordertype": "limit", "price": "97100"},
    "vol": "0.002",
    "vol_exec": "0.002",
    "cost": "194",
    "price": "97000",
    "fee": "0.1",
}
KRAKEN_TRADES = {
    "error": [],
    "result": {
        "trades": {
            "T-OURS": {
                "ordertxid": "OABC",
                "pair": "XBTUSDT",
                "time": 1700000000.5,
                "type": "buy",
                "ordertype": "limit",
                "price": "97000",
                "cost": "194",
                "fee": "0.1",
                "vol": "0.002",
            },
            "T-OTHER": {
                "ordertxid": "OXYZ",
                "pair": "XBTUSDT",
                "time": 1700000000.5,
                "type": "buy",
                "ordertype": "limit",
                "price": "97000",
                "cost": "97",
                "fee": "0.1",
                "vol": "0.001",
            },
        },
        "count": 2,
    },
}


def test_kraken_is_asked_for_open_orders_first_and_closed_ones_second(
    wired: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda exchange: datetime(2023, 11, 15, tzinfo=UTC))
    wire = wired("kraken", kraken_orders("open"), kraken_orders("closed", KRAKEN_ORDER), KRAKEN_TRADES)
    report = look_up("kraken")
    assert [request["path"].rsplit("/", 1)[1] for request in wire.requests] == [
        "OpenOrders",
        "ClosedOrders",
        "TradesHistory",
    ]
    assert all(request["body"]["cl_ord_id"] == OUR_ID for request in wire.requests[:2])
    assert report is not None
    assert report.is_final
    assert [fill.trade_id for fill in report.fills] == ["T-OURS"]
    assert report.fills_complete


def test_a_list_that_shows_another_order_is_no_answer_about_ours(wired: Wired) -> None:
    other = {**BYBIT_ORDER, "orderLinkId": "somebody-elses"}
    wired("bybit", bybit_list(other), bybit_list(other))
    assert look_up("bybit") is None


@pytest.mark.parametrize(
    ("exchange", "path", "where"),
    [
        ("kucoin", f"/api/v1/order/client-order/{OUR_ID}", None),
        ("bitget", "/api/v2/spot/trade/orderInfo", "clientOid"),
        ("binance", "/api/v3/order", "origClientOrderId"),
        # Refused all the same: a filled order is not found by it.
        ("gate", f"/api/v4/spot/orders/t-{OUR_ID}", None),
    ],
)
def test_other_venues_are_asked_for_one_order_by_our_id(
    exchange: str, path: str, where: str | None, wired: Wired
) -> None:
    wire = wired(exchange, {})
    with pytest.raises(Unavailable):
        look_up(exchange)
    assert wire.requests[0]["path"] == path
    assert where is None or wire.requests[0]["query"][where] == OUR_ID


def test_an_order_that_is_not_ours_is_asked_for_by_the_venues_id(wired: Wired) -> None:
    wire = wired("bybit", bybit_list(BYBIT_ORDER), bybit_list(BYBIT_FILL))
    assert look_up("bybit", client_order_id="", venue_order_id="7") is not None
    assert wire.requests[0]["query"]["orderId"] == "7"
    wire = wired("binance", {})
    with pytest.raises(Unavailable):
        look_up("binance", client_order_id="", venue_order_id="7")
    assert wire.requests[0]["query"]["orderId"] == "7"
