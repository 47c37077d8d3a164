"""One market table per venue and process, loaded without keys, spot only, shared by every instance."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from exchanges import answers, clients, clock
from exchanges.clients import Base
from exchanges.errors import ExchangeError
from exchanges.types import PRUDENT_OFFER, MarketRules

_rules: dict[str, Mapping[str, MarketRules]] = {}
_asked_at: dict[str, datetime] = {}
# Our price is not quite the one that the venue measures a band by.
_INSIDE_BAND = Decimal("1.01")
_loading: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Lock]] = (
    weakref.WeakKeyDictionary()
)


async def warm(exchange: str, proxy_url: str = "") -> Base:
    """The venue's instance with its markets and clock ready. Raises Unavailable when the venue is silent."""
    base = clients.base_of(exchange, proxy_url)
    if base.instance.markets is None:
        async with _lock_of(exchange):
            if base.instance.markets is None:
                await _fill(base)
    return base


async def reload(exchange: str, since: datetime | None = None) -> None:
    """Ask the venue for its rules anew, unless asked `since`; orders placed after this see them."""
    base = clients.base_of(exchange)
    async with _lock_of(exchange):
        if since is None or exchange not in _asked_at or _asked_at[exchange] < since:
            await _load(base)


async def rules_of(exchange: str) -> Mapping[str, MarketRules]:
    await warm(exchange)
    return _rules[exchange]


def rules_now(exchange: str) -> Mapping[str, MarketRules] | None:
    """What was loaded last; None before the first time."""
    return _rules.get(exchange)


def forget() -> None:
    _rules.clear()
    _asked_at.clear()


async def measure_clock(base: Base) -> None:
    """Ask the venue for its time and remember how far it is from ours."""
    client = clients.client_for(base)
    asked_at = datetime.now(UTC)
    failure = None
    try:
        venue_milliseconds = int(await client.ccxt.fetch_time())
    except ExchangeError:
        raise
    except Exception as error:  # noqa: BLE001 - the edge to the venue: whatever came back, there is no time in it
        failure = answers.of_question(error, client.answer())
    if failure is not None:
        raise failure
    clock.measured(
        base.venue.exchange,
        venue_milliseconds=venue_milliseconds,
        asked_at=asked_at,
        answered_at=datetime.now(UTC),
    )


async def _fill(base: Base) -> None:
    loaded = next((other for other in clients.bases_of(base.venue.exchange) if other.instance.markets), None)
    if loaded is not None:
        base.instance.set_markets_from_exchange(loaded.instance)
        return
    await measure_clock(base)
    await _load(base)


async def _load(base: Base) -> None:
    client = clients.client_for(base)
    failure, asked_at = None, datetime.now(UTC)
    try:
        markets = await client.ccxt.load_markets(True)
        rules = {symbol: _rules_from(market) for symbol, market in markets.items() if market.get("spot")}
    except ExchangeError:
        raise
    except Exception as error:  # noqa: BLE001 - the edge to the venue: a table that cannot be read is no table
        failure = answers.of_question(error, client.answer())
    if failure is not None:
        raise failure
    # The copy loaded them, so that a call under way never sees half a table.
    for other in clients.bases_of(base.venue.exchange):
        other.instance.set_markets_from_exchange(client.ccxt)
    _rules[base.venue.exchange] = MappingProxyType(rules)
    _asked_at[base.venue.exchange] = asked_at


def _rules_from(market: Mapping[str, Any]) -> MarketRules:
    precision, limits = market["precision"], market["limits"]
    amount, on_market = limits.get("amount") or {}, limits.get("market") or {}
    return MarketRules(
        symbol=market["symbol"],
        base=market["base"],
        quote=market["quote"],
        active=market.get("active") is not False,
        lot_step=_limit(precision.get("amount")),
        tick_size=_limit(precision.get("price")),
        min_quantity=_limit(amount.get("min")),
        max_quantity=_limit(amount.get("max")),
        max_market_quantity=_limit(on_market.get("max")) or _limit(amount.get("max")),
        min_notional=_limit((limits.get("cost") or {}).get("min")),
        taker_fee=_limit(market.get("taker")),
        lowest_offer=_lowest_offer(market.get("info")),
    )


def _lowest_offer(info: object) -> Decimal:
    filters = info.get("filters") if isinstance(info, Mapping) else None
    for rule in filters if isinstance(filters, list) else ():
        least = rule.get("askMultiplierDown") or rule.get("multiplierDown")
        if least:
            return Decimal(str(least)) * _INSIDE_BAND
    return PRUDENT_OFFER


def _limit(value: object) -> Decimal:
    """0 where the venue names no limit."""
    return Decimal(0) if value is None else Decimal(str(value))


def _lock_of(exchange: str) -> asyncio.Lock:
    locks = _loading.setdefault(asyncio.get_running_loop(), {})
    return locks.setdefault(exchange, asyncio.Lock())
