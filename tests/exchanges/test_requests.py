"""The request that really leaves, per venue: our order id, the kind of order, and how late it may come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from exchanges import clock, gateway, loop, venues
from exchanges.errors import FilterRefused, NotPlaced, OutcomeUnknown, Unavailable
from exchanges.types import Account, Credentials, OrderReport, OrderRequest, OrderType, Side

OUR_ID = "c0123456789abcdefg"[:18]
# Kraken's secret is base64.
KEYS = Credentials("KEY", "c2VjcmV0", "PASSPHRASE")
MODES: dict[str, dict[str, object]] = {
    "bybit": {"enableUnifiedMargin": False, "enableUnifiedAccount": True, "unifiedMarginStatus": 6},
    "kucoin": {"uta": False, "hf": False},
    "bitget": {"uta": False},
}
Wired = Callable[..., Any]


@pytest.fixture(autouse=True)
def every_venue_offered_and_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows of refused venues are tested too; nobody waits for look-ups that come later."""
    offered = {name: replace(venue, not_supported_because="") for name, venue in venues.VENUES.items()}
    monkeypatch.setattr(venues, "VENUES", offered)
    monkeypatch.setattr(gateway, "FOLLOW_UP_SECONDS", ())


@pytest.fixture
def signed_at() -> datetime:
    return clock.at_milliseconds(clock.milliseconds(datetime.now(UTC) - timedelta(seconds=1)))


def account_at(exchange: str) -> Account:
    return Account(exchange, KEYS, MODES.get(exchange, {}))


def limit_ioc(signed_at: datetime) -> OrderRequest:
    return OrderRequest(
        OUR_ID, "BTC/USDT", Side.BUY, OrderType.LIMIT_IOC, Decimal("0.00120"), Decimal("97000.10"), signed_at
    )


def market_sell(signed_at: datetime) -> OrderRequest:
    return OrderRequest(OUR_ID, "BTC/USDT", Side.SELL, OrderType.MARKET, Decimal("0.0012"), None, signed_at)


def place(exchange: str, request: OrderRequest) -> OrderReport:
    return loop.run(gateway.place(account_at(exchange), request), 10)


ACCEPTED: dict[str, Any] = {
    "binance": {
        "orderId": 7,
        "clientOrderId": OUR_ID,
        "transactTime": 1700000000000,
        "origQty": "0.0012",
        "executedQty": "0",
        "cummulativeQuoteQty": "0",
        "status": "EXPIRED",
        "fills": [],
    },
    "bybit": {"retCode": 0, "result": {"orderId": "7", "orderLinkId": OUR_ID}},
    "okx": {"code": "0", "data": [{"ordId": "7", "clOrdId": OUR_ID, "sCode": "0", "sMsg": ""}]},
    "kraken": {
        "error": [],
        "result": {"descr": {"order": "buy 0.0012 XBTUSDT @ limit 97000.1"}, "txid": ["7"]},
    },
    "kucoin": {"code": "200000", "data": {"orderId": "7"}},
    "bitget": {"code": "00000", "data": {"orderId": "7", "clientOid": OUR_ID}},
}


def expected_ioc(exchange: str, signed: int) -> dict[str, Any]:
    """The fields that matter; others may be there."""
    return {
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
    }[exchange]


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
    body = wire.requests[0]["body"]
    assert not {"price", "px", "quoteOrderQty", "funds", "cost"} & set(body)
    assert "0.0012" in body.values()
    assert body.get("marketUnit", "baseCoin") == "baseCoin"
    assert body.get("tgtCcy", "base_ccy") == "base_ccy"


def test_the_venue_is_told_how_late_an_order_may_come(wired: Wired, signed_at: datetime) -> None:
    signed, expires = clock.milliseconds(signed_at), clock.milliseconds(signed_at + timedelta(seconds=5))
    wire = wired("bybit", ACCEPTED["bybit"])
    place("bybit", limit_ioc(signed_at))
    headers = wire.requests[0]["headers"]
    assert (headers["X-BAPI-TIMESTAMP"], headers["X-BAPI-RECV-WINDOW"]) == (str(signed), "5000")

    wire = wired("okx", ACCEPTED["okx"])
    place("okx", limit_ioc(signed_at))
    headers = wire.requests[0]["headers"]
    assert headers["expTime"] == str(expires)
    assert (
        headers["OK-ACCESS-TIMESTAMP"] == signed_at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{signed % 1000:03d}Z"
    )

    wire = wired("kraken", ACCEPTED["kraken"])
    place("kraken", limit_ioc(signed_at))
    deadline = datetime.fromisoformat(wire.requests[0]["body"]["deadline"])
    assert clock.milliseconds(deadline) == expires

    wire = wired("kucoin", ACCEPTED["kucoin"])
    place("kucoin", limit_ioc(signed_at))
    assert wire.requests[0]["headers"]["KC-API-TIMESTAMP"] == str(signed)

    wire = wired("bitget", ACCEPTED["bitget"])
    place("bitget", limit_ioc(signed_at))
    assert wire.requests[0]["headers"]["ACCESS-TIMESTAMP"] == str(signed)


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
