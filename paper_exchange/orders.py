"""An order, its fills, and how the venue writes them."""

from dataclasses import dataclass, field
from typing import Any

from .amounts import parse, show

OPEN = ("NEW", "PARTIALLY_FILLED")


@dataclass(slots=True)
class Fill:
    trade_id: int
    price: int
    quantity: int
    quote: int
    commission: int
    commission_asset: str
    at: int
    maker: bool


@dataclass(slots=True)
class Order:
    """Amounts in units of 10⁻⁸, times in milliseconds. `locked` is held back of the coin it spends."""

    sequence: int
    api_key: str
    uid: int
    symbol: str
    order_id: int
    client_order_id: str
    side: str
    type: str
    time_in_force: str
    quantity: int
    price: int
    quote_quantity: int
    created_at: int
    updated_at: int
    status: str = "NEW"
    executed: int = 0
    quote_executed: int = 0
    locked: int = 0
    fills: list[Fill] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def remaining(self) -> int:
        return self.quantity - self.executed


def acknowledged(order: Order) -> str:
    return (
        f'{{"symbol":"{order.symbol}","orderId":{order.order_id},"orderListId":-1,'
        f'"clientOrderId":"{order.client_order_id}","transactTime":{order.updated_at}}}'
    )


def result(order: Order) -> str:
    return "{" + _result_fields(order) + "}"


def full(order: Order) -> str:
    fills = ",".join(
        f'{{"price":"{show(fill.price)}","qty":"{show(fill.quantity)}","commission":"{show(fill.commission)}",'
        f'"commissionAsset":"{fill.commission_asset}","tradeId":{fill.trade_id}}}'
        for fill in order.fills
    )
    return "{" + _result_fields(order) + f',"fills":[{fills}]}}'


def _result_fields(order: Order) -> str:
    return (
        f'"symbol":"{order.symbol}","orderId":{order.order_id},"orderListId":-1,'
        f'"clientOrderId":"{order.client_order_id}","transactTime":{order.updated_at},{_state(order)},'
        f'"workingTime":{order.created_at},"selfTradePreventionMode":"EXPIRE_MAKER"'
    )


def _state(order: Order) -> str:
    return (
        f'"price":"{show(order.price)}","origQty":"{show(order.quantity)}","executedQty":"{show(order.executed)}",'
        f'"origQuoteOrderQty":"{show(order.quote_quantity)}","cummulativeQuoteQty":"{show(order.quote_executed)}",'
        f'"status":"{order.status}","timeInForce":"{order.time_in_force}","type":"{order.type}","side":"{order.side}"'
    )


def looked_up(order: Order) -> str:
    return (
        f'{{"symbol":"{order.symbol}","orderId":{order.order_id},"orderListId":-1,'
        f'"clientOrderId":"{order.client_order_id}",{_state(order)},"stopPrice":"0.00000000",'
        f'"icebergQty":"0.00000000","time":{order.created_at},"updateTime":{order.updated_at},'
        f'"isWorking":true,"workingTime":{order.created_at},"selfTradePreventionMode":"EXPIRE_MAKER"}}'
    )


def canceled(order: Order, cancel_id: str) -> str:
    return (
        f'{{"symbol":"{order.symbol}","origClientOrderId":"{order.client_order_id}","orderId":{order.order_id},'
        f'"orderListId":-1,"clientOrderId":"{cancel_id}","transactTime":{order.updated_at},{_state(order)},'
        f'"selfTradePreventionMode":"EXPIRE_MAKER"}}'
    )


def trade(order: Order, fill: Fill) -> str:
    return (
        f'{{"symbol":"{order.symbol}","id":{fill.trade_id},"orderId":{order.order_id},"orderListId":-1,'
        f'"price":"{show(fill.price)}","qty":"{show(fill.quantity)}","quoteQty":"{show(fill.quote)}",'
        f'"commission":"{show(fill.commission)}","commissionAsset":"{fill.commission_asset}","time":{fill.at},'
        f'"isBuyer":{_bool(order.side == "BUY")},"isMaker":{_bool(fill.maker)},"isBestMatch":true}}'
    )


def _bool(value: bool) -> str:
    return "true" if value else "false"


def execution_report(
    order: Order, kind: str, *, fill: Fill | None, now: int, cancel_id: str = ""
) -> dict[str, Any]:
    """The stream's event for one step of an order. A cancel has its own id and names the order's as `C`."""
    return {
        "e": "executionReport",
        "E": now,
        "s": order.symbol,
        "c": cancel_id or order.client_order_id,
        "S": order.side,
        "o": order.type,
        "f": order.time_in_force,
        "q": show(order.quantity),
        "p": show(order.price),
        "P": "0.00000000",
        "F": "0.00000000",
        "g": -1,
        "C": order.client_order_id if cancel_id else "",
        "x": kind,
        "X": order.status,
        "r": "NONE",
        "i": order.order_id,
        "l": show(fill.quantity if fill else 0),
        "z": show(order.executed),
        "L": show(fill.price if fill else 0),
        "n": show(fill.commission) if fill else "0",
        "N": fill.commission_asset if fill else None,
        "T": fill.at if fill else order.updated_at,
        "t": fill.trade_id if fill else -1,
        "I": order.sequence,
        "w": order.is_open and fill is None,
        "m": fill.maker if fill else False,
        "M": False,
        "O": order.created_at,
        "Z": show(order.quote_executed),
        "Y": show(fill.quote if fill else 0),
        "Q": show(order.quote_quantity),
        "W": order.created_at,
        "V": "EXPIRE_MAKER",
    }


_AMOUNTS = ("quantity", "price", "quote_quantity", "executed", "quote_executed", "locked")
_NAMES = (
    "sequence", "api_key", "uid", "symbol", "order_id", "client_order_id", "side", "type", "time_in_force",
    "created_at", "updated_at", "status",
)  # fmt: skip


def to_record(order: Order) -> dict[str, Any]:
    """The order as plain JSON: amounts as text, fills inside."""
    record: dict[str, Any] = {name: getattr(order, name) for name in _NAMES}
    record |= {name: show(getattr(order, name)) for name in _AMOUNTS}
    record["fills"] = [
        {
            "trade_id": fill.trade_id,
            "price": show(fill.price),
            "quantity": show(fill.quantity),
            "quote": show(fill.quote),
            "commission": show(fill.commission),
            "commission_asset": fill.commission_asset,
            "at": fill.at,
            "maker": fill.maker,
        }
        for fill in order.fills
    ]
    return record


def from_record(record: dict[str, Any]) -> Order:
    fills = [
        Fill(
            trade_id=fill["trade_id"],
            price=parse(fill["price"]),
            quantity=parse(fill["quantity"]),
            quote=parse(fill["quote"]),
            commission=parse(fill["commission"]),
            commission_asset=fill["commission_asset"],
            at=fill["at"],
            maker=fill["maker"],
        )
        for fill in record["fills"]
    ]
    values: dict[str, Any] = {name: record[name] for name in _NAMES}
    values |= {name: parse(record[name]) for name in _AMOUNTS}
    return Order(**values, fills=fills)
