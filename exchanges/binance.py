"""Placing an order in Binance's own terms, for binance and the paper exchange.

Signing, sending and telling errors stay ccxt's; only its unified order is left out: half of an order's cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from exchanges import clock
from exchanges.errors import SymbolUnknown
from exchanges.reports import average_of, decimal
from exchanges.rounding import plain
from exchanges.types import FillReport, OrderReport, OrderRequest, OrderType

_TYPES: Mapping[OrderType, Mapping[str, str]] = {
    OrderType.MARKET: {"type": "MARKET"},
    OrderType.LIMIT: {"type": "LIMIT", "timeInForce": "GTC"},
    OrderType.LIMIT_IOC: {"type": "LIMIT", "timeInForce": "IOC"},
}
_FINAL = frozenset({"FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH", "REJECTED"})


def order_parameters(request: OrderRequest, listed: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The body of POST order. SymbolUnknown where the symbol is not among `listed`, ccxt's markets."""
    market = listed.get(request.symbol)
    if market is None:
        raise SymbolUnknown(f"{request.symbol} is not listed there")
    parameters = {
        "symbol": market["id"],
        "side": request.side.upper(),
        "quantity": plain(request.quantity),
        "newClientOrderId": request.client_order_id,
        "newOrderRespType": "FULL",
        "timestamp": clock.milliseconds(request.signed_at),
        **_TYPES[request.type],
    }
    if request.price is not None:
        parameters["price"] = plain(request.price)
    return parameters


def placed(answer: Mapping[str, Any], request: OrderRequest) -> OrderReport:
    """The answer to POST order, with its fills; LookupError, TypeError or ValueError when it is none."""
    filled, requested = Decimal(answer["executedQty"]), Decimal(answer["origQty"])
    order_id, at = str(answer["orderId"]), clock.at_milliseconds(int(answer["transactTime"]))
    is_final = answer["status"] in _FINAL
    # As `reports.with_fills`, which makes a report and its last fill a second time.
    told = {str(fill["tradeId"]): fill for fill in answer.get("fills", ())}
    trade_ids = sorted(told, key=lambda trade_id: (len(trade_id), trade_id))
    is_whole = is_final and sum(Decimal(fill["qty"]) for fill in told.values()) == filled

    def fill_of(trade_id: str) -> FillReport:
        fill = told[trade_id]
        fee = decimal(fill["commission"])
        return FillReport(
            symbol=request.symbol,
            venue_order_id=order_id,
            trade_id=trade_id,
            client_order_id=request.client_order_id,
            side=request.side,
            price=Decimal(fill["price"]),
            quantity=Decimal(fill["qty"]),
            fee=fee,
            fee_asset=fill["commissionAsset"] if fee else "",
            at=at,
            order_quantity=requested,
            order_is_final=is_whole and trade_id == trade_ids[-1],
        )

    return OrderReport(
        client_order_id=request.client_order_id,
        venue_order_id=order_id,
        symbol=request.symbol,
        side=request.side,
        requested=requested,
        filled=filled,
        average_price=average_of(decimal(answer["cummulativeQuoteQty"]), filled),
        is_final=is_final,
        fills=tuple(fill_of(trade_id) for trade_id in trade_ids),
        at=at,
    )
