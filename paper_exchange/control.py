"""Opening paper accounts (anybody) and steering the exchange (loopback peers only)."""

import ipaddress
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import faults, orders
from .accounts import Account
from .amounts import parse
from .answers import Refusal
from .calls import Call
from .faults import BadRule
from .tickets import read_int
from .venue import Venue

MOST_AT_ONCE = 20_000
MOST_ACCOUNTS = 200_000
AUDIT_PAGE = 1_000
Body = Any


class Forbidden(Exception):
    """Control routes answer loopback peers only."""


class BadBody(ValueError):
    """The body cannot be understood; the text says why."""


def check_loopback(peer: str | None) -> None:
    try:
        address = ipaddress.ip_address(peer or "")
    except ValueError:
        raise Forbidden from None
    mapped = getattr(address, "ipv4_mapped", None)
    if not (mapped or address).is_loopback:
        raise Forbidden


def open_accounts(venue: Venue, body: Body) -> Any:
    """One account, or a list of `count` alike: {"api_key", "secret", "uid"}."""
    wanted = _object(body)
    count = wanted.get("count")
    values: dict[str, Any] = {
        "balances": {
            _asset(asset): _amount(text) for asset, text in _object(wanted.get("balances", {})).items()
        },
        "can_withdraw": _flag(wanted, "can_withdraw"),
        "is_read_only": _flag(wanted, "is_read_only"),
        "fees_in_bnb": _flag(wanted, "fees_in_bnb"),
    }
    if count is not None:
        if not isinstance(count, int) or not 0 < count <= MOST_AT_ONCE:
            raise BadBody(f"count must be a whole number from 1 to {MOST_AT_ONCE}")
        _check_room(venue, count)
        return [_keys(venue.open_account(**values)) for _ in range(count)]
    _check_room(venue, 1)
    for name in ("api_key", "secret"):
        if wanted.get(name) is not None:
            values[name] = _text(wanted, name)
    if values.get("api_key", "") in venue.accounts:
        raise BadBody("api_key is taken")
    return _keys(venue.open_account(**values))


def _check_room(venue: Venue, count: int) -> None:
    if len(venue.accounts) + count > MOST_ACCOUNTS:
        raise BadBody("there are too many accounts already")


def _keys(account: Account) -> dict[str, Any]:
    return {"api_key": account.api_key, "secret": account.secret.decode(), "uid": account.uid}


def add_faults(venue: Venue, body: Body) -> Any:
    rules = body if isinstance(body, list) else [body]
    try:
        added = venue.faults.add([_object(rule) for rule in rules])
    except BadRule as error:
        raise BadBody(str(error)) from error
    for rule in added:
        if rule.kind in ("stream_disconnect", "revoke"):
            venue.streams.disconnect(rule)
        if rule.kind == "stream_disconnect":
            venue.faults.remove(rule.id)
    return [faults.shown(rule) for rule in added]


def list_faults(venue: Venue, _: Body) -> Any:
    return [faults.shown(rule) for rule in venue.faults.rules]


def clear_faults(venue: Venue, query: Body) -> Any:
    """One rule by `id`, or all; what is left."""
    rule_id = read_int(query, "id")
    if rule_id is None:
        venue.faults.clear()
        venue.streams.refused.clear()
    elif not venue.faults.remove(rule_id):
        raise BadBody(f"there is no rule {rule_id}")
    return list_faults(venue, query)


def audit(venue: Venue, query: Body) -> Any:
    """Orders accepted after the cursor, oldest first, in their present state."""
    after = read_int(query, "after") or 0
    limit = min(read_int(query, "limit") or AUDIT_PAGE, 10 * AUDIT_PAGE)
    page = venue.engine.accepted[after : after + limit]
    return {"orders": [_audited(order) for order in page], "next": after + len(page)}


def _audited(order: orders.Order) -> dict[str, Any]:
    record = orders.to_record(order)
    return {
        "n": order.sequence,
        "key": order.api_key,
        "uid": order.uid,
        "symbol": order.symbol,
        "orderId": order.order_id,
        "clientOrderId": order.client_order_id,
        "side": order.side,
        "type": order.type,
        "timeInForce": order.time_in_force,
        "qty": record["quantity"],
        "price": record["price"],
        "executed": record["executed"],
        "quote": record["quote_executed"],
        "status": order.status,
        "accepted_at": order.created_at,
        "updated_at": order.updated_at,
        "fills": record["fills"],
    }


def deposit(venue: Venue, body: Body) -> Any:
    return _transfer(venue, body, 1)


def withdraw(venue: Venue, body: Body) -> Any:
    return _transfer(venue, body, -1)


def _transfer(venue: Venue, body: Body, sign: int) -> Any:
    wanted = _object(body)
    account = venue.accounts.get(_text(wanted, "key"))
    asset = _asset(_text(wanted, "asset"))
    amount = _amount(wanted.get("amount"))
    if not amount:
        raise BadBody("an amount above 0 is expected")
    try:
        transfer = venue.transfer(account, asset, sign * amount)
    except Refusal as refusal:
        raise BadBody(refusal.message) from refusal
    return {"id": str(transfer.id), "asset": asset, "balance": account.shown(iter([asset]))[asset]}


def price(venue: Venue, body: Body) -> Any:
    """Set a price, hold or release the walk; without a symbol `frozen` is for all."""
    wanted = _object(body)
    names = [_symbol(venue, wanted)] if "symbol" in wanted else list(venue.symbols)
    if "frozen" in wanted:
        change = (
            venue.prices.frozen.update if _flag(wanted, "frozen") else venue.prices.frozen.difference_update
        )
        change(names)
    if "price" in wanted:
        if "symbol" not in wanted:
            raise BadBody("a price needs a symbol")
        venue.prices.put(names[0], _amount(wanted["price"]) or 1)
        venue.moved(names[0])
    return {name: value for name, value in venue.prices.snapshot().items() if name in names}


def filters(venue: Venue, body: Body) -> Any:
    """{"symbol", "stepSize": "0.1", …}: the answer is the symbol's filters as exchangeInfo shows them."""
    wanted = _object(body)
    symbol = venue.symbols[_symbol(venue, wanted)]
    changes = {name: str(value) for name, value in wanted.items() if name != "symbol"}
    try:
        symbol.change(changes)
    except KeyError as error:
        raise BadBody(f"no filter is called {error}") from error
    except ValueError as error:
        raise BadBody(f"not a number: {error}") from error
    venue.engine.forget_book(symbol.name)
    return symbol.filters()


def _object(body: Body) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise BadBody("a JSON object is expected")
    return body


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value or not value.isascii() or len(value) > 128:
        raise BadBody(f"{name} must be a short text")
    return value


def _asset(name: str) -> str:
    if re.fullmatch("[A-Z0-9]{1,20}", name) is None:
        raise BadBody(f"not the name of a coin: {name!r}")
    return name


def _flag(body: dict[str, Any], name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise BadBody(f"{name} must be true or false")
    return value


def _amount(text: Any) -> int:
    if isinstance(text, bool) or not isinstance(text, str | int):
        raise BadBody("amounts are decimal numbers in quotes")
    try:
        return parse(str(text))
    except ValueError as error:
        raise BadBody(f"not an amount with at most 8 decimals: {error}") from error


def _symbol(venue: Venue, body: dict[str, Any]) -> str:
    name = _text(body, "symbol").replace("/", "")
    if name not in venue.symbols:
        raise BadBody(f"no symbol is called {name}")
    return name


@dataclass(frozen=True, slots=True)
class ControlRoute:
    """A function of venue and JSON body (for GET: of the query's parameters) that answers JSON."""

    answer: Callable[[Venue, Body], Any]
    status: int = 200
    loopback_only: bool = True


ROUTES = {
    "POST /paper/accounts": ControlRoute(open_accounts, 201, loopback_only=False),
    "POST /control/faults": ControlRoute(add_faults, 201),
    "GET /control/faults": ControlRoute(list_faults),
    "DELETE /control/faults": ControlRoute(clear_faults),
    "GET /control/audit": ControlRoute(audit),
    "POST /control/deposit": ControlRoute(deposit),
    "POST /control/withdraw": ControlRoute(withdraw),
    "POST /control/price": ControlRoute(price),
    "POST /control/filters": ControlRoute(filters),
}


def answer(route: ControlRoute, call: Call) -> str:
    """Raises BadBody for a body that cannot be understood, and the venue's refusals."""
    if not call.body:
        return json.dumps(route.answer(call.venue, call.params))
    try:
        body = json.loads(call.body)
    except (ValueError, RecursionError) as error:
        raise BadBody("the body is not JSON") from error
    return json.dumps(route.answer(call.venue, body))
