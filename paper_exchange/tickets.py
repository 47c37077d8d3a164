"""Reading an order request: which parameters it must, may and must not carry."""

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from . import answers
from .amounts import PATTERN, NotANumber, TooPrecise, parse
from .answers import Refusal
from .symbols import ORDER_TYPES, Symbol, find

CLIENT_ID = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
SYMBOL = r"^[A-Z0-9-_.]{1,20}$"
_CLIENT_ID = re.compile(CLIENT_ID)
_SYMBOL = re.compile(r"[A-Z0-9\-_.]{1,20}")
Params = Mapping[str, str]


@dataclass(slots=True)
class Ticket:
    """What somebody wants to trade. A market order has no price (0), and one of the two quantities is 0."""

    symbol: Symbol
    side: str
    type: str
    time_in_force: str
    quantity: int
    quote_quantity: int
    price: int
    client_order_id: str
    answer: str


def read(params: Params, symbols: Mapping[str, Symbol]) -> Ticket:
    symbol = find(symbols, read_symbol(params))
    side = _one_of(params, "side", ("BUY", "SELL"), Refusal(-1117, "Invalid side."))
    kind = _one_of(params, "type", ORDER_TYPES, Refusal(-1116, "Invalid orderType."))
    answer = params.get("newOrderRespType", "FULL")
    if answer not in ("ACK", "RESULT", "FULL"):
        raise Refusal(-1136, "Invalid newOrderRespType.")
    quantity, quote_quantity, price, time_in_force = _KINDS[kind](params)
    return Ticket(
        symbol=symbol,
        side=side,
        type=kind,
        time_in_force=time_in_force,
        quantity=quantity,
        quote_quantity=quote_quantity,
        price=price,
        client_order_id=read_client_id(params, "newClientOrderId") or secrets.token_hex(11),
        answer=answer,
    )


def _read_market(params: Params) -> tuple[int, int, int, str]:
    for name in ("timeInForce", "price"):
        if params.get(name):
            raise answers.not_required(name)
    if params.get("quantity") and params.get("quoteOrderQty"):
        raise answers.bad_combination()
    if params.get("quoteOrderQty"):
        return 0, _amount(params, "quoteOrderQty", "Invalid quoteOrderQty."), 0, "GTC"
    if not params.get("quantity"):
        text = "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!"
        raise Refusal(-1102, text)
    return _amount(params, "quantity", "Invalid quantity."), 0, 0, "GTC"


def _read_limit(params: Params) -> tuple[int, int, int, str]:
    force = _one_of(params, "timeInForce", ("GTC", "IOC", "FOK"), Refusal(-1115, "Invalid timeInForce."))
    quantity, price = _read_quantity_and_price(params)
    return quantity, 0, price, force


def _read_maker(params: Params) -> tuple[int, int, int, str]:
    if params.get("timeInForce"):
        raise answers.not_required("timeInForce")
    quantity, price = _read_quantity_and_price(params)
    return quantity, 0, price, "GTC"


def _read_quantity_and_price(params: Params) -> tuple[int, int]:
    if params.get("quoteOrderQty"):
        raise answers.not_required("quoteOrderQty")
    return _amount(params, "quantity", "Invalid quantity."), _amount(params, "price", "Invalid price.")


_KINDS: dict[str, Callable[[Params], tuple[int, int, int, str]]] = {
    "MARKET": _read_market,
    "LIMIT": _read_limit,
    "LIMIT_MAKER": _read_maker,
}


def read_symbol(params: Params) -> str:
    name = params.get("symbol")
    if not name:
        raise answers.missing("symbol")
    if _SYMBOL.fullmatch(name) is None:
        raise answers.illegal("symbol", SYMBOL)
    return name


def read_client_id(params: Params, name: str) -> str | None:
    value = params.get(name)
    if value is None:
        return None
    if not value:
        raise Refusal(-1105, f"Parameter '{name}' was empty.")
    if _CLIENT_ID.fullmatch(value) is None:
        raise answers.illegal(name, CLIENT_ID)
    return value


def read_int(params: Params, name: str) -> int | None:
    """A whole number of at most 18 digits, or None when absent."""
    value = params.get(name)
    if value is None or value == "":
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= 18):
        raise answers.illegal(name, "^[0-9]{1,20}$")
    return int(value)


def _one_of(params: Params, name: str, allowed: tuple[str, ...], refusal: Refusal) -> str:
    value = params.get(name)
    if not value:
        raise answers.missing(name)
    if value not in allowed:
        raise refusal
    return value


def _amount(params: Params, name: str, when_zero: str) -> int:
    text = params.get(name)
    if not text:
        raise answers.missing(name)
    try:
        amount = parse(text)
    except NotANumber:
        raise answers.illegal(name, PATTERN) from None
    except TooPrecise:
        raise answers.too_precise(name) from None
    if amount == 0:
        raise Refusal(-1013, when_zero)
    return amount
