"""What one address may still send to one venue: pure arithmetic, with the time handed in, in seconds.

shared_limits.py runs the same rules inside Redis, where every process sees one standing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

# An order may leave up to this long before the bucket has refilled for it.
AHEAD_SECONDS = 2.0
# Of the bucket, kept for exits, cancels and look-ups.
RESERVED_SHARE = 0.2
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
PROBE_SECONDS = 10.0


class Pause(StrEnum):
    """Why nothing is sent to a venue for now."""

    RATE_LIMITED = "rate_limited"
    NOT_ANSWERING = "not_answering"


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `weight` in any `seconds`: half of it at once, the other half spread over the time.

    So no window holds more, wherever the venue begins to count.
    """

    weight: float
    seconds: float

    @property
    def burst(self) -> float:
        return self.weight / 2

    @property
    def per_second(self) -> float:
        return self.weight / 2 / (self.seconds + AHEAD_SECONDS)

    @property
    def reserved(self) -> float:
        return self.burst * RESERVED_SHARE


@dataclass(frozen=True, slots=True)
class Standing:
    """`tokens` as they were `at`; None is a full bucket. `openings` of the breaker since the last answer."""

    tokens: float | None = None
    at: float = 0.0
    blocked_until: float = 0.0
    reason: str = ""
    openings: int = 0
    probe_until: float = 0.0


@dataclass(frozen=True, slots=True)
class Wish:
    """Take up to `wanted` but nothing below `least`, leave `floor`, and go into debt for `ahead` seconds."""

    wanted: int
    least: int = 1
    floor: float = 0.0
    ahead: float = 0.0


@dataclass(frozen=True, slots=True)
class View:
    """A standing as one caller sees it: `granted` to it, or `wait` until `least` would be there."""

    granted: int = 0
    wait: float = 0.0
    blocked_for: float = 0.0
    reason: str = ""
    is_half_open: bool = False
    is_shared: bool = False


def take(standing: Standing, budget: Budget, wish: Wish, now: float) -> tuple[Standing, View]:
    """Nothing is granted while the address is blocked, or before the breaker's probe was answered."""
    seen = view(standing, now)
    if seen.blocked_for or seen.is_half_open:
        return standing, seen
    tokens = refilled(standing, budget, now)
    room = tokens - wish.floor + budget.per_second * wish.ahead
    granted = max(0, min(wish.wanted, math.floor(room)))
    if granted < wish.least:
        missing = max(0.0, wish.least - room)
        return standing, replace(seen, wait=missing / budget.per_second)
    return replace(standing, tokens=tokens - granted, at=now), replace(seen, granted=granted)


def refilled(standing: Standing, budget: Budget, now: float) -> float:
    if standing.tokens is None:
        return budget.burst
    elapsed = max(0.0, now - standing.at)
    return min(budget.burst, standing.tokens + elapsed * budget.per_second)


def view(standing: Standing, now: float) -> View:
    blocked_for = max(0.0, standing.blocked_until - now)
    return View(
        blocked_for=blocked_for,
        reason=standing.reason if blocked_for else "",
        is_half_open=standing.openings > 0 and not blocked_for,
    )


def block(standing: Standing, seconds: float, reason: str, now: float) -> Standing:
    """A pause that the venue asked for; a longer one that is in force stays."""
    if standing.blocked_until >= now + seconds:
        return standing
    return replace(standing, blocked_until=now + seconds, reason=reason)


def open_breaker(standing: Standing, stretch: float, now: float) -> Standing:
    """The venue does not answer: pause, twice as long each time, times `stretch` (the jitter)."""
    if standing.blocked_until > now:
        return standing
    doublings: float = 2.0 ** min(standing.openings, 10)
    pause = min(FIRST_PAUSE * doublings, LONGEST_PAUSE) * stretch
    return replace(
        standing,
        openings=standing.openings + 1,
        blocked_until=now + pause,
        reason=Pause.NOT_ANSWERING,
        probe_until=0.0,
    )


def claim_probe(standing: Standing, now: float) -> tuple[Standing, bool]:
    """Whether the caller is the one that tries whether the venue answers again."""
    if not view(standing, now).is_half_open or standing.probe_until > now:
        return standing, False
    return replace(standing, probe_until=now + PROBE_SECONDS), True


def close_breaker(standing: Standing, now: float) -> Standing:
    """The venue answered. An answer from before the pause does not end it."""
    if not view(standing, now).is_half_open:
        return standing
    return replace(standing, openings=0, probe_until=0.0)
