"""Every call to an exchange. Async functions for the loop of loop.py; money in Decimal, times in UTC.

Placing and cancelling raise a known refusal (errors.Rejected, BadCredentials, NotPlaced and their kin) or
OutcomeUnknown, as a cancelled or timed-out place() is: its request may have left. Questions raise
Unavailable, BadCredentials or SymbolUnknown. To an address that limits.py holds back neither is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt

from exchanges import answers, binance, clients, clock, histories, keys, loop, markets, reports
from exchanges.calls import Call, OrderNotKnown, ask, tell
from exchanges.clients import Client
from exchanges.errors import (
    ClockSkewed,
    ExchangeError,
    FilterRefused,
    NotPlaced,
    OutcomeUnknown,
    Unavailable,
    VenueNotSupported,
    not_placed,
)
from exchanges.gates import Purpose
from exchanges.rounding import plain
from exchanges.types import (
    Account,
    Balance,
    Credentials,
    FillReport,
    KeyInfo,
    MarketRules,
    OrderReport,
    OrderRequest,
    OrderType,
    Quote,
    Side,
    TransferReport,
)
from exchanges.venues import require_supported

FOLLOW_UP_SECONDS = (0.2, 1.0, 5.0)
_CLOCK_TOLERANCE = timedelta(seconds=5)
# What every venue lists at once.
_TRANSFERS_WINDOW = timedelta(days=89)
# Above this many symbols one request for all is shorter than their names in an address.
_NAMED_SYMBOLS = 50
ReadOrder = Callable[[Any], OrderReport]

_log = logging.getLogger(__name__)
_UNREADABLE = KeyInfo(
    can_trade=False, can_withdraw=True, ip_restricted=False, venue_account_id="", permissions=(), mode={}
)


def configure(
    url_overrides: Mapping[str, str | Mapping[str, str]], paper_exchange_url: str | Mapping[str, str]
) -> None:
    """Where the venues are: a base address, or {"rest", "ws"}, by ccxt exchange id; the paper exchange's."""
    addresses = dict(url_overrides)
    if paper_exchange_url:
        addresses["paper"] = paper_exchange_url
    clients.point_at(addresses)
    markets.forget()


def is_known(exchange: str) -> bool:
    """Whether there is such a venue at all, offered here or not."""
    return exchange == "paper" or exchange in ccxt.exchanges


def supported(exchange: str) -> None:
    """VenueNotSupported, with the reason, where live copying is not offered."""
    require_supported(exchange)
    if exchange == "paper" and clients.override_of("paper") is None:
        raise VenueNotSupported("paper: no paper exchange is configured")


async def warm(exchange: str, proxy_url: str = "") -> None:
    """Load the venue's markets and measure its clock, so that the first order need not wait for them."""
    await markets.warm(exchange, proxy_url)


async def place(account: Account, request: OrderRequest) -> OrderReport:
    """Place one order with one request, signed with `request.signed_at`, never repeated by itself.

    Where the answer carries no fills they are asked for afterwards; what those questions do not bring is
    missing from the report (`fills_complete`, `is_final`), never guessed.
    """
    venue = require_supported(account.exchange)
    try:
        base = await markets.warm(account.exchange, account.proxy_url)
    except Unavailable as error:
        raise not_placed(error) from None
    report = await _send_order(clients.client_for(base, account, Purpose.ORDER), request)
    if venue.fills_in_answer:
        return report
    looks = FOLLOW_UP_SECONDS[:1] if request.type is OrderType.LIMIT else FOLLOW_UP_SECONDS
    return await _followed_up(account, report, looks)


async def look_up(
    account: Account, *, client_order_id: str, symbol: str, since: datetime, venue_order_id: str = ""
) -> OrderReport | None:
    """What the venue says of an order, with its fills; None when it says that it does not know it.

    By `venue_order_id` where `client_order_id` is empty (an order that is not ours).
    """
    client = await _client(account, Purpose.LOOK_UP)
    report = await histories.order(client, client_order_id, symbol, venue_order_id)
    if report is None or report.filled == 0 or report.fills_complete:
        return report
    return await histories.with_its_fills(client, report, since)


async def cancel(account: Account, *, client_order_id: str, symbol: str) -> OrderReport | None:
    """Cancel what rests; then what the venue says of the order. None when it does not know it."""
    client = await _client(account, Purpose.CANCEL)
    parameters = {client.venue.look_up_param: client_order_id}
    # Not known may mean filled or cancelled before: the look-up tells which.
    with contextlib.suppress(OrderNotKnown):
        await tell(client, lambda api: api.cancel_order(None, symbol, parameters), bool)
    since = clock.now(account.exchange) - client.venue.trades_window
    return await look_up(account, client_order_id=client_order_id, symbol=symbol, since=since)


async def fetch_fills(
    account: Account, *, symbol: str, since: datetime, until: datetime | None = None
) -> list[FillReport]:
    """Every fill of the account in `symbol` from `since` to `until` or now, both included, oldest first."""
    client = await _client(account, Purpose.LOOK_UP)
    # A little into the future: our idea of the venue's clock is a few milliseconds off.
    end = until or clock.now(account.exchange) + _CLOCK_TOLERANCE
    return await histories.fills_between(client, symbol, since, end)


async def fetch_transfers(account: Account, *, since: datetime) -> list[TransferReport]:
    """The account's deposits and withdrawals that are done, oldest first; at most 90 days back."""
    oldest = clock.now(account.exchange) - _TRANSFERS_WINDOW
    return await histories.transfers_since(await _client(account), max(since, oldest))


async def fetch_balances(account: Account) -> dict[str, Balance]:
    """By asset; only those of which there is something."""
    client = await _client(account)
    return await ask(client, lambda api: api.fetch_balance(), reports.balances)


async def fetch_key_info(account: Account) -> KeyInfo:
    """What the key may do. Permissions that cannot be read count as able to withdraw, so they are refused."""
    client = await _client(account)
    read = keys.READERS[client.venue.ccxt_id]
    failure: ExchangeError | None = None
    try:
        async with client.turn():
            return await read(client.ccxt)
    except (ccxt.BaseError, aiohttp.ClientError, TimeoutError) as error:
        failure = answers.of_question(error, client.answer())
    except (LookupError, TypeError, ValueError, AttributeError):
        return _UNREADABLE
    raise failure


async def fetch_quotes(
    exchange: str, symbols: list[str] | None = None, proxy_url: str = ""
) -> dict[str, Quote]:
    """Prices now, all symbols or the named ones; a symbol without a price, or not listed, is left out."""
    base = await markets.warm(exchange, proxy_url)
    client = clients.client_for(base)
    listed = None if symbols is None else [name for name in symbols if name in base.instance.markets]
    if listed is not None and not listed:
        return {}
    named = listed if listed is not None and len(listed) <= _NAMED_SYMBOLS else None
    now = clock.now(exchange)
    known = await ask(client, lambda api: api.fetch_tickers(named), lambda told: reports.quotes(told, now))
    return known if listed is None else {name: known[name] for name in listed if name in known}


async def market_rules(exchange: str) -> Mapping[str, MarketRules]:
    """The filters of every spot symbol, as loaded last."""
    return await markets.rules_of(exchange)


async def reload_market_rules(exchange: str, *, since: datetime | None = None) -> None:
    """Ask the venue for its rules, unless this process has done so `since`."""
    await markets.reload(exchange, since)


def market_rules_now(exchange: str) -> Mapping[str, MarketRules]:
    """The same without awaiting, from any synchronous thread; loads them the first time."""
    known = markets.rules_now(exchange)
    return known if known is not None else loop.run(markets.rules_of(exchange))


def venue_now(exchange: str) -> datetime:
    """The venue's time: ours plus the measured offset, which is measured anew every few minutes."""
    if clock.claim_measuring(exchange):
        loop.submit(_resync(exchange))
    return clock.now(exchange)


async def open_paper_account(balances: Mapping[str, Decimal]) -> Credentials:
    """A new account at the paper exchange with these balances."""
    override = clients.override_of("paper")
    if override is None:
        raise VenueNotSupported("paper: no paper exchange is configured")
    base = override if isinstance(override, str) else override["rest"]
    body = {"balances": {asset: plain(amount) for asset, amount in balances.items()}}
    timeout = aiohttp.ClientTimeout(total=clients.TOTAL_MILLISECONDS / 1000)
    address = f"{base.rstrip('/')}/paper/accounts"
    try:
        async with clients.session().post(address, json=body, timeout=timeout) as response:
            response.raise_for_status()
            opened = await response.json()
        return Credentials(opened["api_key"], opened["secret"])
    except (aiohttp.ClientError, TimeoutError, LookupError, TypeError, ValueError):
        raise Unavailable("the paper exchange did not open an account") from None


async def close() -> None:
    """Close every connection; the next call opens new ones."""
    await clients.close()


async def _client(account: Account, purpose: Purpose = Purpose.QUESTION) -> Client:
    require_supported(account.exchange)
    return clients.client_for(await markets.warm(account.exchange, account.proxy_url), account, purpose)


async def _send_order(client: Client, request: OrderRequest) -> OrderReport:
    venue = client.venue
    if (request.type is OrderType.MARKET) == (request.price is not None):
        raise ValueError("a price belongs to every order but a market order")
    signed = clock.milliseconds(request.signed_at)
    client.ccxt.nonce = lambda: signed
    call, read = _binance_order(client, request) if venue.fills_in_answer else _order(client, request)

    def refuse_late() -> None:
        if clock.now(venue.exchange) > request.signed_at + venue.accepts_for:
            raise NotPlaced("the order was not sent: its time had passed")

    try:
        return await tell(client, call, read, refuse_late)
    except OrderNotKnown as error:
        # No answer to a new order: whatever this venue means by it, the order may stand.
        raise OutcomeUnknown(error.text) from None
    except ClockSkewed:
        await _resync(venue.exchange)
        raise


def _binance_order(client: Client, request: OrderRequest) -> tuple[Call, ReadOrder]:
    parameters = binance.order_parameters(request, client.ccxt.markets)
    return lambda api: api.privatePostOrder(parameters), lambda answer: binance.placed(answer, request)


def _order(client: Client, request: OrderRequest) -> tuple[Call, ReadOrder]:
    """ccxt's create_order with this venue's words for our id, for IOC, and for too late."""
    venue, on_market = client.venue, request.type is OrderType.MARKET
    if on_market and request.side is Side.BUY and not venue.market_buy_in_base:
        raise FilterRefused(f"{venue.exchange} takes market buys by cost only")
    expires = clock.milliseconds(request.signed_at + venue.accepts_for)
    params: dict[str, object] = {venue.client_id_param: request.client_order_id}
    if request.type is OrderType.LIMIT_IOC:
        params.update(venue.ioc_params)
    if venue.expiry_header:
        client.ccxt.headers = {venue.expiry_header: str(expires)}
    if venue.deadline_param:
        params[venue.deadline_param] = client.ccxt.iso8601(expires)
    kind, amount = "market" if on_market else "limit", plain(request.quantity)
    price = None if request.price is None else plain(request.price)
    now = clock.now(venue.exchange)
    return (
        lambda api: api.create_order(request.symbol, kind, str(request.side), amount, price, params),
        lambda answer: reports.placed(answer, request, now),
    )


async def _followed_up(account: Account, placed: OrderReport, looks: Sequence[float]) -> OrderReport:
    """The order's fate where the answer told only its id, asked for after each of these pauses."""
    report = placed
    for seconds in looks:
        await asyncio.sleep(seconds)
        try:
            seen = await look_up(
                account, client_order_id=placed.client_order_id, symbol=placed.symbol, since=placed.at
            )
        except ExchangeError as error:
            # The order stands; who asks next finds its fills.
            _log.info("no look at a new order at %s: %s", account.exchange, error.text)
            continue
        report = seen or report
        if report.is_final and report.fills_complete:
            break
    return report


async def _resync(exchange: str) -> None:
    try:
        await markets.measure_clock(clients.base_of(exchange))
    except ExchangeError as error:
        _log.warning("the clock of %s could not be read: %s", exchange, error.text)
