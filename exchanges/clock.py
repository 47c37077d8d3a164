"""The venues' clocks: ours plus an offset that was measured. Orders are stamped and judged by these."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
REMEASURE_AFTER_SECONDS = 300.0
_TRY_AGAIN_AFTER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Offset:
    """How far the venue's clock is ahead of ours; `measured` by time.monotonic()."""

    ahead: timedelta
    measured: float


_offsets: dict[str, Offset] = {}
_attempts: dict[str, float] = {}
_last_nonces: dict[str, int] = {}


def now(exchange: str) -> datetime:
    """The venue's time as far as we know it: our own until its offset was measured."""
    offset = _offsets.get(exchange)
    return datetime.now(UTC) + (offset.ahead if offset else timedelta(0))


def claim_measuring(exchange: str) -> bool:
    """Whether the offset is missing or old and nobody else is at it; the caller then measures it."""
    moment = time.monotonic()
    offset = _offsets.get(exchange)
    if offset is not None and moment - offset.measured < REMEASURE_AFTER_SECONDS:
        return False
    if moment - _attempts.get(exchange, float("-inf")) < _TRY_AGAIN_AFTER_SECONDS:
        return False
    _attempts[exchange] = moment
    return True


def measured(exchange: str, *, venue_milliseconds: int, asked_at: datetime, answered_at: datetime) -> None:
    """Take over a reading; the venue is taken to have looked at its clock half-way."""
    halfway = asked_at + (answered_at - asked_at) / 2
    _offsets[exchange] = Offset(at_milliseconds(venue_milliseconds) - halfway, time.monotonic())


def forget() -> None:
    _offsets.clear()
    _attempts.clear()


def at_milliseconds(value: int) -> datetime:
    return EPOCH + timedelta(milliseconds=value)


def milliseconds(at: datetime) -> int:
    return (at - EPOCH) // timedelta(milliseconds=1)


def rising_nonce(api_key: str) -> int:
    """Nanoseconds, never the same or a lower number twice for one key."""
    nonce = max(time.time_ns(), _last_nonces.get(api_key, 0) + 1)
    _last_nonces[api_key] = nonce
    return nonce
