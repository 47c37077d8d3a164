"""Orders for the tests of several venues, and how each venue says that it took one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from exchanges import gateway, loop
from exchanges.types import Account, Credentials, OrderReport, OrderRequest, OrderType, Side

OUR_ID = "c0123456789abcdefg"[:18]
# Kraken's secret is base64.
KEYS = Credentials("KEY", "c2VjcmV0", "PASSPHRASE")
MODES: dict[str, dict[str, object]] = {
    "bybit": {"enableUnifiedMargin": False, "enableUnifiedAccount": True, "unifiedMarginStatus": 6},
    "kucoin": {"uta": False, "hf": False},
    "bitget": {"uta": False},
    "gate": {"unifiedAccount": False},
}
Wired = Callable[..., Any]


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
    "gate": {"id": "7", "text": f"t-{OUR_ID}", "status": "open"},
    "coinbase": {"success": True, "success_response": {"order_id": "7", "client_order_id": OUR_ID}},
}
