"""Warm ccxt instances: one per venue and egress address, and a light copy with its own keys for each call.

A fresh ccxt instance costs a TLS context, a session and a market table; a copy shares all three.
What may not be shared is `options`: ccxt keeps one account's mode and log-in state there.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import functools
import logging
import math
import re
import ssl
import time
import weakref
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import ccxt
import ccxt.async_support
import ccxt.pro
import certifi
from prometheus_client import Histogram

from exchanges import clock, limits, loop
from exchanges.answers import Answer
from exchanges.errors import VenueNotSupported
from exchanges.gates import Gate, Purpose
from exchanges.metrics import REQUESTS
from exchanges.transport import Transport
from exchanges.types import Account
from exchanges.venues import Venue, venue_of

CONNECT_SECONDS = 3.0
TOTAL_MILLISECONDS = 8000
REQUESTS_AT_ONCE = 500
# What goes through the lean transport: only orders are so many.
DIRECT = frozenset({Purpose.ORDER})


_log = logging.getLogger(__name__)
_silent = logging.getLogger(f"{__name__}.ccxt")
_silent.setLevel(logging.WARNING)
_silent.propagate = False


_NEEDS_NO_QUOTES = re.compile(r"[A-Za-z0-9_.~=&-]*").fullmatch


class _Watched:
    """Put before ccxt's class: remembers on each copy whether a request left and what came back."""

    # ccxt's own logger writes keys and signed requests at DEBUG.
    logger = _silent
    gate: Gate
    purpose = Purpose.QUESTION
    apiKey: str
    aiohttp_proxy: str | None
    sent = False
    status = 0
    answer_headers: Mapping[str, str] = {}
    answer_body = ""

    async def fetch2(
        self, path: str, api: Any = "public", method: str = "GET", params: Any = None, config: Any = None
    ) -> Any:
        """Before signing: what waits here is signed when it goes."""
        if self.purpose is not Purpose.ORDER or not self.gate.redeem(self.apiKey):
            weight = self._weight(api, method, path, params, config)
            while not await self.gate.admit(self.purpose, weight, self.apiKey):
                await self._probe()
        return await super().fetch2(path, api, method, params or {}, config or {})  # type: ignore[misc]

    async def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        self.sent = True
        self.status, self.answer_headers, self.answer_body = 0, {}, ""
        began = time.monotonic()
        try:
            if self.purpose in DIRECT and not self.aiohttp_proxy:
                answer = await self._fetch_directly(url, method, headers, body)
            else:
                answer = await super().fetch(url, method, headers, body)  # type: ignore[misc]
        except Exception:
            await self.gate.failed(self.status, self.answer_headers, self.answer_body)
            raise
        finally:
            _clock(self.gate.venue.exchange, self.purpose).observe(time.monotonic() - began)
        if self.gate.is_worried:
            await self.gate.answered()
        return answer

    async def _fetch_directly(self, url: str, method: str, headers: Any, body: Any) -> Any:
        """What ccxt's own does, through the lean transport."""
        own: Any = self
        asked = own.prepare_request_headers(headers)
        message = body.encode() if body else b""
        try:
            reply = await transport().request(method, url, asked, message, seconds=own.timeout / 1000)
        except TimeoutError as error:
            raise ccxt.RequestTimeout(f"{own.id} {method}") from error
        except OSError as error:
            raise ccxt.ExchangeNotAvailable(f"{own.id} {method}") from error
        status, reason = reply.status, reply.reason
        text = self.on_rest_response(status, reason, url, method, reply.headers, reply.text, asked, body)
        answer = own.parse_json(text)
        own.handle_errors(status, reason, url, method, reply.headers, text, answer, asked, body)
        own.handle_http_status_code(status, reason, url, method, text)
        return text if answer is None else answer

    def _weight(self, api: Any, method: str, path: str, params: Any, config: Any) -> int:
        unit = self.gate.venue.limits.weight_of_cost
        if not unit:
            return 1
        cost = self.calculate_rate_limiter_cost(api, method, path, params or {}, config or {})  # type: ignore[attr-defined]
        # Costs such as 0.2 are not exact in binary.
        return math.ceil(round(float(cost) * unit, 6))

    async def _probe(self) -> None:
        """A question without keys; fetch tells the gate what came of it."""
        probe: Any = copy.copy(self)
        probe.purpose, probe.apiKey, probe.secret = Purpose.PROBE, "", ""
        try:
            await probe.fetch_time()
        except ccxt.BaseError as error:
            _log.info("%s does not answer yet: %s", self.gate.venue.exchange, type(error).__name__)

    @staticmethod
    def urlencode(params: Mapping[str, Any], doseq: bool = False, sort: bool = False) -> str:
        """As ccxt's, which looks at each letter of each name and value."""
        told = "&".join([f"{name}={value}" for name, value in params.items()])
        # Neither of the two signs is in a name or a value; `True` is sent as `true`.
        has_parts_only = told.count("=") == len(params) and told.count("&") == len(params) - 1
        if has_parts_only and _NEEDS_NO_QUOTES(told) and "=True" not in told and "=False" not in told:
            return told
        return str(ccxt.Exchange.urlencode(params, doseq, sort))

    def on_rest_response(self, code: int, reason: str, url: str, method: str, *rest: Any) -> str:
        headers, body = rest[0], rest[1]
        self.status, self.answer_headers, self.answer_body = code, headers, body
        return str(super().on_rest_response(code, reason, url, method, *rest))  # type: ignore[misc]

    def __del__(self) -> None:
        """ccxt warns here about a session left open; ours is shared and closed by close()."""


@functools.cache
def _clock(exchange: str, purpose: Purpose) -> Histogram:
    return REQUESTS.labels(exchange, purpose.name.lower())


class _Connector(aiohttp.TCPConnector):
    async def connect(self, *args: Any, **kwargs: Any) -> Any:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await super().connect(*args, **kwargs)


@dataclass(slots=True)
class Base:
    """The shared instance of one venue and egress address."""

    venue: Venue
    instance: Any
    proxy_url: str = field(default="", repr=False)
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(REQUESTS_AT_ONCE))


@dataclass(slots=True)
class Client:
    """One call's copy of the base instance, with one account's keys."""

    base: Base
    ccxt: Any
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def venue(self) -> Venue:
        return self.base.venue

    def answer(self) -> Answer:
        api = self.ccxt
        return Answer(
            self.venue.ccxt_id, api.sent, api.status, api.answer_headers, api.answer_body, self.secrets
        )

    def turn(self) -> contextlib.AbstractAsyncContextManager[None]:
        """A place among the requests in flight; ccxt signs before it waits, so the waiting is done here."""
        is_alone = self.venue.one_request_per_key and self.ccxt.apiKey
        return self._turn_of_key() if is_alone else self.base.turns

    @contextlib.asynccontextmanager
    async def _turn_of_key(self) -> AsyncIterator[None]:
        async with self.base.turns, _key_lock(self.ccxt.apiKey):
            yield


_overrides: Mapping[str, str | Mapping[str, str]] = {}
_owner: asyncio.AbstractEventLoop | None = None
_session: aiohttp.ClientSession | None = None
_transport: Transport | None = None
_bases: dict[tuple[str, str], Base] = {}
_key_locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()


def point_at(overrides: Mapping[str, str | Mapping[str, str]]) -> None:
    """Base addresses by our venue id; instances made before are made anew."""
    global _overrides
    _overrides = dict(overrides)
    limits.venues_are_at(_overrides)
    _bases.clear()
    clock.forget()


def override_of(exchange: str) -> str | Mapping[str, str] | None:
    return _overrides.get(exchange)


def session() -> aiohttp.ClientSession:
    """The session of the running loop, with one TLS context and as many connections as are asked for."""
    global _owner, _session, _transport
    running = asyncio.get_running_loop()
    if _session is None or _session.closed or _owner is not running:
        _bases.clear()
        _key_locks.clear()
        context = ssl.create_default_context(cafile=certifi.where())
        connector = _Connector(ssl=context, limit=0, ttl_dns_cache=300)
        _owner, _session = running, aiohttp.ClientSession(connector=connector)
        _transport = Transport(context, connect_seconds=CONNECT_SECONDS)
    return _session


def transport() -> Transport:
    """The lean way for orders, with the session's TLS context."""
    session()
    assert _transport is not None  # noqa: S101 - made with the session
    return _transport


def base_of(exchange: str, proxy_url: str = "") -> Base:
    """The venue's shared instance on the running loop; its markets may not be loaded yet (markets.warm)."""
    shared = session()
    base = _bases.get((exchange, proxy_url))
    if base is None:
        venue = venue_of(exchange)
        instance = build(venue, ccxt.async_support, shared, proxy_url)
        base = _bases[exchange, proxy_url] = Base(venue, instance, proxy_url)
    return base


def bases_of(exchange: str) -> list[Base]:
    return [base for (name, _), base in _bases.items() if name == exchange]


def build(venue: Venue, package: Any, shared: aiohttp.ClientSession, proxy_url: str) -> Any:
    """A keyless instance of the venue's class in `package` (ccxt.async_support or ccxt.pro)."""
    instance = _watched(getattr(package, venue.ccxt_id))(
        {
            "session": shared,
            "enableRateLimit": False,
            "timeout": TOTAL_MILLISECONDS,
            "number": str,
            "options": _mutable(venue.options),
        }
    )
    instance.gate = limits.gate_of(venue.exchange, proxy_url)
    if proxy_url:
        instance.aiohttp_proxy = proxy_url
        instance.wssProxy = proxy_url
    # Private on several venues, and needed by none of our calls.
    instance.has = {**instance.has, "fetchCurrencies": False}
    _apply_override(venue, instance)
    instance.open()
    return instance


@functools.cache
def _watched(ccxt_class: type) -> type[Any]:
    return type(f"Watched{ccxt_class.__name__.capitalize()}", (_Watched, ccxt_class), {})


def client_for(base: Base, account: Account | None = None, purpose: Purpose = Purpose.QUESTION) -> Client:
    """A copy of the base for one call; without an account it is keyless."""
    # As copy.copy, which goes through pickling's protocol for it.
    api = base.instance.__class__.__new__(base.instance.__class__)
    api.__dict__.update(base.instance.__dict__)
    exchange = base.venue.exchange
    api.options = {**base.instance.options, **(account.mode if account else {})}
    api.headers = {}
    api.gate, api.purpose = limits.gate_of(exchange, base.proxy_url), purpose
    api.nonce = lambda: clock.milliseconds(clock.now(exchange))
    if account is None:
        return Client(base, api)
    give_keys(api, account)
    keys = account.credentials
    return Client(base, api, (keys.api_key, keys.secret, keys.password))


def forget_answer(client: Client) -> None:
    """Before a further request of the same client: what came back belongs to the one before."""
    api = client.ccxt
    api.sent, api.status, api.answer_headers, api.answer_body = False, 0, {}, ""


def give_keys(api: Any, account: Account) -> None:
    keys = account.credentials
    api.apiKey, api.secret, api.password = keys.api_key, keys.secret, keys.password
    # Kraken's nonce must rise with every request of a key; ccxt counts per instance, in milliseconds.
    api.incrementing_nonce = lambda: clock.rising_nonce(keys.api_key)


async def close() -> None:
    """Close the shared connections; the next call opens new ones."""
    global _session
    _bases.clear()
    shared, _session = _session, None
    if shared is not None and _owner is asyncio.get_running_loop():
        if _transport is not None:
            _transport.close()
        await shared.close()


def _key_lock(api_key: str) -> asyncio.Lock:
    return _key_locks.setdefault(api_key, asyncio.Lock())


def _mutable(options: Mapping[str, object]) -> dict[str, object]:
    return {name: _mutable(value) if isinstance(value, Mapping) else value for name, value in options.items()}


def _apply_override(venue: Venue, instance: Any) -> None:
    override = _overrides.get(venue.exchange)
    if not override:
        if venue.exchange == "paper":
            raise VenueNotSupported("paper: no paper exchange is configured")
        return
    instance.urls = {**instance.urls, "api": moved(instance.urls["api"], override)}
    if venue.ccxt_id == "binance" and "ws" in instance.urls["api"]:
        # ccxt tells a spot stream by this word in its address.
        spot = instance.urls["api"]["ws"]["spot"]
        instance.urls["api"]["ws"]["spot"] = spot.removesuffix("/ws") + "/stream"


def moved(urls: Any, override: str | Mapping[str, str]) -> Any:
    """ccxt's table of addresses with the same paths at the override's host or hosts."""
    if isinstance(urls, Mapping):
        return {name: moved(url, override) for name, url in urls.items()}
    if not isinstance(urls, str):
        return urls
    rest = override if isinstance(override, str) else override["rest"]
    stream = rest.replace("http", "ws", 1) if isinstance(override, str) else override.get("ws", "")
    base = (stream or rest.replace("http", "ws", 1)) if urls.startswith("ws") else rest
    return base.rstrip("/") + urlsplit(urls).path


loop.before_close(close)
