"""The signed routes: orders, look-ups, trades and the account."""

import json
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar

from . import answers, filters, orders, tickets
from .accounts import Account, Transfer
from .amounts import show
from .answers import Refusal
from .calls import Call, Route
from .orders import Fill, Order
from .symbols import Symbol, find

T = TypeVar("T")
DAY = 24 * 3600 * 1000
_SHOW = {"ACK": orders.acknowledged, "RESULT": orders.result, "FULL": orders.full}


def place(call: Call) -> str:
    account = call.signed_in_to_trade()
    ticket = tickets.read(call.params, call.venue.symbols)
    if call.venue.faults.rules and call.venue.is_halted(ticket.symbol.name):
        raise answers.market_closed()
    engine, now = call.venue.engine, call.venue.now()
    reject = call.fault("reject")
    if reject is not None and reject.order_status != "REJECTED":
        raise Refusal(reject.code, reject.msg, reject.status or 400)
    if reject is not None:
        order = engine.place_rejected(account, ticket, now)
    else:
        order = engine.place(account, ticket, now, _fraction(call))
    return _SHOW[ticket.answer](order)


def _fraction(call: Call) -> tuple[int, int]:
    """The part of the order that fills; all of it unless a fault says otherwise."""
    partial = call.fault("partial_fill")
    if partial is not None:
        return Decimal(partial.fraction).as_integer_ratio()
    return (1, 2) if call.fault("expire_half") is not None else (1, 1)


def test_order(call: Call) -> str:
    call.signed_in()
    ticket = tickets.read(call.params, call.venue.symbols)
    filters.check(ticket, call.venue.prices.last[ticket.symbol.name])
    return "{}"


def look_up(call: Call) -> str:
    account = call.signed_in()
    order = _named(account, call, _symbol(call).name)
    if order is None or not _visible(call, [order]):
        raise answers.no_such_order()
    return orders.looked_up(order)


def cancel(call: Call) -> str:
    account = call.signed_in_to_trade()
    order = _named(account, call, _symbol(call).name)
    if order is None or not order.is_open:
        raise answers.unknown_order()
    cancel_id = tickets.read_client_id(call.params, "newClientOrderId") or secrets.token_hex(11)
    call.venue.engine.cancel(account, order, call.venue.now(), cancel_id)
    return orders.canceled(order, cancel_id)


def cancel_all(call: Call) -> str:
    account = call.signed_in_to_trade()
    name = _symbol(call).name
    found = [order for (symbol, _), order in account.open_orders.items() if symbol == name]
    if not found:
        raise answers.unknown_order()
    texts = []
    for order in found:
        cancel_id = secrets.token_hex(11)
        call.venue.engine.cancel(account, order, call.venue.now(), cancel_id)
        texts.append(orders.canceled(order, cancel_id))
    return _array(texts)


def open_orders(call: Call) -> str:
    account = call.signed_in()
    name = _symbol(call).name if "symbol" in call.params else None
    found = [order for order in account.open_orders.values() if name in (None, order.symbol)]
    return _array(map(orders.looked_up, _visible(call, found)))


def all_orders(call: Call) -> str:
    account = call.signed_in()
    name = _symbol(call).name
    start, end = _window(call.params)
    first = tickets.read_int(call.params, "orderId")
    found = [
        order
        for (symbol, order_id), order in account.orders.items()
        if symbol == name and _inside(order.created_at, start, end) and (first is None or order_id >= first)
    ]
    oldest_first = first is not None or start is not None
    return _array(map(orders.looked_up, _page(_visible(call, found), call.params, oldest_first=oldest_first)))


def my_trades(call: Call) -> str:
    account = call.signed_in()
    name = _symbol(call).name
    start, end = _window(call.params)
    from_id = tickets.read_int(call.params, "fromId")
    order_id = tickets.read_int(call.params, "orderId")
    if from_id is not None and (start is not None or end is not None):
        raise answers.bad_combination()
    found = [
        (order, fill)
        for order, fill in account.trades.get(name, [])
        if _inside(fill.at, start, end)
        and (from_id is None or fill.trade_id >= from_id)
        and (order_id is None or order.order_id == order_id)
    ]
    oldest_first = from_id is not None or start is not None
    return _array(_trade(pair) for pair in _page(found, call.params, oldest_first=oldest_first))


def account(call: Call) -> str:
    holder = call.signed_in()
    hide_zero = call.params.get("omitZeroBalances") == "true"
    balances = [
        {"asset": asset, "free": show(balance.free), "locked": show(balance.locked)}
        for asset, balance in sorted(holder.balances.items())
        if not hide_zero or balance.free or balance.locked
    ]
    rates = {"maker": "0.00100000", "taker": "0.00100000", "buyer": "0.00000000", "seller": "0.00000000"}
    shown = {
        "makerCommission": 10,
        "takerCommission": 10,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": rates,
        "canTrade": True,
        "canWithdraw": True,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": holder.updated_at,
        "accountType": "SPOT",
        "balances": balances,
        "permissions": ["SPOT"],
        "uid": holder.uid,
    }
    return json.dumps(shown, separators=(",", ":"))


def api_restrictions(call: Call) -> str:
    holder = call.signed_in()
    restrictions = {
        "ipRestrict": False,
        "createTime": 1_700_000_000_000,
        "enableReading": True,
        "enableSpotAndMarginTrading": not holder.is_read_only,
        "enableWithdrawals": holder.can_withdraw,
        "enableInternalTransfer": False,
        "permitsUniversalTransfer": False,
        "enableMargin": False,
        "enableFutures": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enablePortfolioMarginTrading": False,
    }
    return json.dumps(restrictions)


def coins(call: Call) -> str:
    """All coins, as ccxt asks for them when it loads markets with keys set."""
    holder = call.signed_in()
    symbols = call.venue.symbols.values()
    names = sorted({symbol.base for symbol in symbols} | {symbol.quote for symbol in symbols})
    return json.dumps([_coin(name, holder) for name in names], separators=(",", ":"))


def trade_fees(call: Call) -> str:
    call.signed_in()
    wanted = call.params.get("symbol")
    names = [find(call.venue.symbols, wanted).name] if wanted else list(call.venue.symbols)
    return json.dumps(
        [{"symbol": name, "makerCommission": "0.001", "takerCommission": "0.001"} for name in names]
    )


def deposits(call: Call) -> str:
    """Newest first, as on Binance; `status` 1: credited."""
    found = [transfer for transfer in _transfers(call) if transfer.amount > 0]
    return json.dumps(
        [
            {
                "id": str(transfer.id),
                "amount": show(transfer.amount),
                "coin": transfer.asset,
                "network": transfer.asset,
                "status": 1,
                "address": "paper",
                "addressTag": "",
                "txId": f"paper-{transfer.id}",
                "insertTime": transfer.at,
                "completeTime": transfer.at,
                "transferType": 0,
                "confirmTimes": "1/1",
                "walletType": 0,
            }
            for transfer in found
        ]
    )


def withdrawals(call: Call) -> str:
    """Newest first, as on Binance; `status` 6: completed."""
    found = [transfer for transfer in _transfers(call) if transfer.amount < 0]
    return json.dumps(
        [
            {
                "id": f"{transfer.id:032x}",
                "amount": show(-transfer.amount),
                "transactionFee": "0",
                "coin": transfer.asset,
                "status": 6,
                "address": "paper",
                "addressTag": "",
                "txId": f"paper-{transfer.id}",
                # To the second, in UTC.
                "applyTime": f"{datetime.fromtimestamp(transfer.at // 1000, UTC):%Y-%m-%d %H:%M:%S}",
                "network": transfer.asset,
                "transferType": 0,
                "confirmNo": 1,
                "walletType": 0,
            }
            for transfer in found
        ]
    )


def _transfers(call: Call) -> list[Transfer]:
    account = call.signed_in()
    start, end = tickets.read_int(call.params, "startTime"), tickets.read_int(call.params, "endTime")
    if start is not None and end is not None and end - start > 90 * DAY:
        raise Refusal(-1127, "More than 90 days between startTime and endTime.")
    coin = call.params.get("coin")
    found = [
        transfer
        for transfer in reversed(account.transfers)
        if coin in (None, "", transfer.asset) and _inside(transfer.at, start, end)
    ]
    first = tickets.read_int(call.params, "offset") or 0
    return found[first : first + (tickets.read_int(call.params, "limit") or 1000)]


def nothing(call: Call) -> str:
    call.signed_in()
    return "[]"


def _coin(name: str, holder: Account) -> dict[str, object]:
    balance = holder.balances.get(name)
    return {
        "coin": name,
        "name": name,
        "depositAllEnable": True,
        "withdrawAllEnable": True,
        "free": show(balance.free if balance else 0),
        "locked": show(balance.locked if balance else 0),
        "freeze": "0",
        "withdrawing": "0",
        "ipoing": "0",
        "ipoable": "0",
        "storage": "0",
        "isLegalMoney": False,
        "trading": True,
        "networkList": [],
    }


def _symbol(call: Call) -> Symbol:
    return find(call.venue.symbols, tickets.read_symbol(call.params))


def _named(account: Account, call: Call, symbol: str) -> Order | None:
    order_id = tickets.read_int(call.params, "orderId")
    client_id = tickets.read_client_id(call.params, "origClientOrderId")
    if order_id is not None:
        order = account.orders.get((symbol, order_id))
        return order if client_id is None or (order and order.client_order_id == client_id) else None
    if client_id is None:
        raise Refusal(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
    return account.by_client_id.get((symbol, client_id))


def _visible(call: Call, found: list[Order]) -> list[Order]:
    """Without the orders which a lagging look-up does not show yet."""
    faults = call.venue.faults
    if not faults.rules:
        return found
    now = call.venue.now()
    shown = []
    for order in found:
        rule = faults.standing("lagging_look_up", order.api_key, order.symbol, order.side)
        if rule is None or now - order.created_at >= (rule.seconds * 1000 or rule.ms):
            shown.append(order)
    return shown


def _window(params: Mapping[str, str]) -> tuple[int | None, int | None]:
    """Start and end in milliseconds, never more than 24 hours apart; a single bound reaches as far."""
    start, end = tickets.read_int(params, "startTime"), tickets.read_int(params, "endTime")
    if start is not None and end is not None:
        if end < start:
            raise Refusal(-1100, "Illegal characters found in a parameter.")
        if end - start > DAY:
            raise Refusal(-1127, "More than 24 hours between startTime and endTime.")
    elif start is not None:
        end = start + DAY
    elif end is not None:
        start = end - DAY
    return start, end


def _inside(at: int, start: int | None, end: int | None) -> bool:
    return (start is None or at >= start) and (end is None or at <= end)


def _page(found: list[T], params: Mapping[str, str], *, oldest_first: bool) -> list[T]:
    limit = tickets.read_int(params, "limit")
    limit = 500 if limit is None else limit
    if not 0 < limit <= 1000:
        raise Refusal(-1130, "Data sent for parameter 'limit' is not valid.")
    return found[:limit] if oldest_first else found[-limit:]


def _trade(pair: tuple[Order, Fill]) -> str:
    return orders.trade(*pair)


def _array(texts: Iterable[str]) -> str:
    return "[" + ",".join(texts) + "]"


ROUTES = {
    "POST /api/v3/order": Route("order", place),
    "POST /api/v3/order/test": Route("order", test_order),
    "GET /api/v3/order": Route("look_up", look_up),
    "DELETE /api/v3/order": Route("cancel", cancel),
    "DELETE /api/v3/openOrders": Route("cancel", cancel_all),
    "GET /api/v3/openOrders": Route("look_up", open_orders),
    "GET /api/v3/allOrders": Route("look_up", all_orders),
    "GET /api/v3/myTrades": Route("trades", my_trades),
    "GET /api/v3/account": Route("account", account),
    "GET /sapi/v1/account/apiRestrictions": Route("account", api_restrictions),
    "GET /sapi/v1/capital/config/getall": Route("account", coins),
    "GET /sapi/v1/capital/deposit/hisrec": Route("transfers", deposits),
    "GET /sapi/v1/capital/withdraw/history": Route("transfers", withdrawals),
    "GET /sapi/v1/asset/tradeFee": Route("account", trade_fees),
    "GET /sapi/v1/margin/allPairs": Route("account", nothing),
    "GET /sapi/v1/margin/isolated/allPairs": Route("account", nothing),
}
