"""Fairness toward venues: what may be sent, by venue and egress address, counted over all processes.

Addresses are named by proxy_url ("" is this machine's own); what is shown of one never holds its password.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import urlsplit

import redis

from exchanges.gates import Gate
from exchanges.shared_limits import OwnStore, RedisStore, Store
from exchanges.standing import Pause, View
from exchanges.venues import venue_of

REDIS_AGAIN_AFTER_SECONDS = 5.0
_BAR = "|"
Answer = TypeVar("Answer")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class VenueState:
    """Whether anything is sent to `exchange` from `address` (host and port of a proxy, or empty).

    `blocked_until` is None when nothing holds requests back; `reason` is a standing.Pause or empty.
    `is_trying`: a pause is over and a single request finds out whether the venue answers again.
    """

    exchange: str
    address: str
    blocked_until: datetime | None
    reason: str
    is_trying: bool


@dataclass(frozen=True, slots=True)
class Capacity:
    """Entry orders that one address can send: so many at once after a quiet time, then so many per second."""

    at_once: int
    per_second: float


class _Standings:
    """The common store while Redis answers; without it this process counts for itself."""

    def __init__(self, shared: RedisStore | None) -> None:
        self.shared, self.own = shared, OwnStore()
        self._is_away, self._again_at = False, 0.0

    def ask(self, question: Callable[[Store], Answer]) -> Answer:
        shared = self.shared
        if shared is None or (self._is_away and time.monotonic() < self._again_at):
            return question(self.own)
        try:
            if self._is_away:
                self._tell_pauses(shared)
            answer = question(shared)
        except redis.RedisError as error:
            self._go_away(error)
            return question(self.own)
        if self._is_away:
            self._is_away = False
            _log.warning("Redis is back, the processes keep the venues' limits together again")
        return answer

    def _go_away(self, error: redis.RedisError) -> None:
        self._again_at = time.monotonic() + REDIS_AGAIN_AFTER_SECONDS
        if not self._is_away:
            self._is_away = True
            _log.error("Redis is away, each process keeps the venues' limits alone: %s", type(error).__name__)

    def _tell_pauses(self, shared: RedisStore) -> None:
        """What venues asked this process for meanwhile."""
        for name in self.own.names():
            seen = self.own.look(name)
            if seen.reason == Pause.RATE_LIMITED:
                shared.block(name, seen.blocked_for, seen.reason)


_guard = threading.Lock()
_standings = _Standings(None)
_gates: dict[tuple[str, str], Gate] = {}
_places: Mapping[str, str] = {}


def configure(redis_url: str) -> None:
    """Where the processes count together; an empty address: each for itself."""
    global _standings
    with _guard:
        if _standings.shared is not None:
            _standings.shared.close()
        _standings = _Standings(RedisStore(redis_url) if redis_url else None)
        _gates.clear()


def venues_are_at(overrides: Mapping[str, object]) -> None:
    """A venue at another address than its own is another venue; what this process knew is forgotten."""
    global _places
    with _guard:
        _places = {exchange: repr(place) for exchange, place in overrides.items()}
        _gates.clear()


def gate_of(exchange: str, proxy_url: str = "") -> Gate:
    """The process's gate to this venue from this address. VenueNotSupported for an unknown venue."""
    gate = _gates.get((exchange, proxy_url))
    if gate is not None:
        return gate
    venue = venue_of(exchange)
    with _guard:
        return _gates.setdefault((exchange, proxy_url), Gate(venue, _name_of(exchange, proxy_url), _ask))


def allowance(
    exchange: str, proxy_url: str, *, wanted: int, is_exit: bool, within_seconds: float = 2.0
) -> int:
    """How many of `wanted` orders may be sent now, at most as many as the venue takes within that time.

    They count as sent: claim no more, and ask again for what was left. Exits may use the reserve too.
    Takes one trip to Redis, whatever the number; callable from any thread.
    """
    if wanted <= 0:
        return 0
    return gate_of(exchange, proxy_url).allowance(wanted, is_exit=is_exit, within_seconds=within_seconds)


def blocked_until(exchange: str, proxy_url: str = "") -> datetime | None:
    """Until when nothing is sent there; None when nothing holds it back. At most half a second old."""
    gate = gate_of(exchange, proxy_url)
    pause = gate.pause() if gate.is_known() else gate.view().blocked_for
    return _moment(pause)


def state(exchange: str, proxy_url: str = "") -> VenueState:
    """For pages: one venue and address."""
    gate = gate_of(exchange, proxy_url)
    return _state(gate.name, gate.view())


def states() -> list[VenueState]:
    """For staff: every venue and address that something was sent to, by any process."""
    names: list[str] = _standings.ask(lambda store: store.names())
    return [_state(name, _looked_at(name)) for name in names]


def capacity(exchange: str) -> Capacity:
    """What one address can carry, the reserve for exits and look-ups left out."""
    budget = venue_of(exchange).limits.address
    return Capacity(int(budget.burst - budget.reserved), budget.per_second)


def lift(exchange: str, proxy_url: str = "") -> None:
    """Forget what is known of this venue and address: pauses, failures, and what was sent."""
    with _guard:
        gate = _gates.pop((exchange, proxy_url), None)
    name = gate.name if gate else _name_of(exchange, proxy_url)
    _standings.ask(lambda store: store.forget(name))


def _ask(question: Callable[[Store], View]) -> View:
    return _standings.ask(question)


def _looked_at(name: str) -> View:
    return _ask(lambda store: store.look(name))


def _name_of(exchange: str, proxy_url: str) -> str:
    """Exchange, address to show, and what tells apart: proxies of one host, and venues moved elsewhere."""
    digest = hashlib.sha256(f"{_places.get(exchange, '')} {proxy_url}".encode()).hexdigest()[:16]
    return _BAR.join((exchange, urlsplit(proxy_url).netloc.rpartition("@")[2], digest))


def _state(name: str, seen: View) -> VenueState:
    exchange, address, _ = name.split(_BAR)
    return VenueState(exchange, address, _moment(seen.blocked_for), seen.reason, seen.is_half_open)


def _moment(seconds: float) -> datetime | None:
    return datetime.now(UTC) + timedelta(seconds=seconds) if seconds > 0 else None


def _forget_in_child() -> None:
    # Another thread of the parent may have held the locks.
    global _guard
    _guard = threading.Lock()
    _gates.clear()


os.register_at_fork(after_in_child=_forget_in_child)
