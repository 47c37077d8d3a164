"""The gate of one venue and one egress address in this process: every request asks it before it is signed.

It keeps what the processes' common standing said for half a second, and tokens for a moment, so that an
order costs no trip to Redis.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import math
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from exchanges.answers import pause_asked_for
from exchanges.errors import HeldBack, RateLimited, Unavailable
from exchanges.shared_limits import ACCOUNT, Store
from exchanges.standing import AHEAD_SECONDS, Budget, Pause, View, Wish
from exchanges.venues import Venue

Ask = Callable[[Callable[[Store], View]], View]

KNOWN_FOR_SECONDS = 0.5
# A question that would have to wait for longer is not asked.
QUESTION_WAITS_SECONDS = 2.0
# What was granted and not used by then has gone unused: no venue takes a claim's signature that late.
PROMISE_SECONDS = 10.0
LEASE_SECONDS = 1.0
# So many requests without an answer, one after the other, in so many seconds open the breaker.
FAILURES = 10
FAILURES_WITHIN_SECONDS = 30.0
# Of the orders of one account, as many as this part go uncounted by the other processes.
_UNCOUNTED_PART = 0.1
_MOST_PROCESSES = 4
_AFTER_ANOTHERS_PROBE_SECONDS = 1.0


class Purpose(Enum):
    """What a request is for. Orders and cancels never wait; exits, cancels and look-ups have a reserve."""

    ORDER = auto()
    CANCEL = auto()
    LOOK_UP = auto()
    QUESTION = auto()
    PROBE = auto()


_URGENT = frozenset({Purpose.CANCEL, Purpose.LOOK_UP})
_COMMANDS = frozenset({Purpose.ORDER, Purpose.CANCEL})
_TEXTS: Mapping[str, str] = {
    Pause.RATE_LIMITED: "the exchange asked for a pause",
    Pause.NOT_ANSWERING: "the exchange does not answer for now",
    "": "as many requests as the exchange takes are on their way",
}


@dataclass(slots=True)
class _Lease:
    """Tokens taken from the common bucket ahead of their use."""

    tokens: float = 0.0
    until: float = 0.0


class Gate:
    """Thread-safe. Waits are seconds; `name` is the common standing's."""

    def __init__(self, venue: Venue, name: str, ask: Ask) -> None:
        self.venue, self.name = venue, name
        self._ask = ask
        self._guard = threading.Lock()
        self._known_until = self._blocked_until = self._own_block_until = 0.0
        self._reason = ""
        self._is_half_open = False
        self._promised, self._promised_until = 0, 0.0
        self._leases = {True: _Lease(), False: _Lease()}
        self._failures, self._first_failure_at = 0, 0.0
        self._orders: dict[str, int] = {}
        self._orders_until = 0.0
        self._turn: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None

    # --- Orders, before they are claimed ---------------------------------------------------------------

    def allowance(self, wanted: int, *, is_exit: bool, within_seconds: float) -> int:
        """How many of `wanted` orders may be sent now; they count as sent."""
        budget = self.venue.limits.address
        floor = 0.0 if is_exit else budget.reserved
        wish = Wish(wanted, floor=floor, ahead=min(within_seconds, AHEAD_SECONDS))
        seen = self._see(self._ask(lambda store: store.take(self.name, budget, wish)))
        if self.pause():
            return 0
        with self._guard:
            now = time.monotonic()
            unsent = self._promised if self._promised_until > now else 0
            self._promised, self._promised_until = unsent + seen.granted, now + PROMISE_SECONDS
        # Where a probe is due one order goes as far as admit(), which tries the venue first.
        return min(wanted, 1) if seen.is_half_open else seen.granted

    def pause(self) -> float:
        """Seconds until the address may send again, as known now."""
        now = time.monotonic()
        return max(0.0, self._blocked_until - now, self._own_block_until - now)

    def view(self) -> View:
        """Fresh, from the common standing; what this process saw itself counts too."""
        seen = self._see(self._ask(lambda store: store.look(self.name)))
        left = self.pause()
        if left > seen.blocked_for:
            return View(blocked_for=left, reason=self._reason or Pause.RATE_LIMITED)
        return seen

    def is_known(self) -> bool:
        return time.monotonic() < self._known_until

    # --- Each request ----------------------------------------------------------------------------------

    def redeem(self, api_key: str) -> bool:
        """Use up one granted order where nothing has to be asked or waited for, which is the usual case."""
        now = time.monotonic()
        if now >= self._known_until or self._is_half_open:
            return False
        if (
            now < self._blocked_until
            or now < self._own_block_until
            or not self._is_counted_here(api_key, now)
        ):
            return False
        return self._use_promise(now)

    async def admit(self, purpose: Purpose, weight: int, api_key: str) -> bool:
        """True: send it now. False: this caller, alone, has first to try whether the venue answers again.

        Raises RateLimited for orders and cancels, Unavailable for questions that would wait too long.
        """
        if purpose is Purpose.PROBE:
            return True
        give_up_at = time.monotonic() + QUESTION_WAITS_SECONDS
        while True:
            if not self.is_known():
                await self._look()
            wait = self.pause()
            if not wait and self._is_half_open:
                if await self._claims_probe():
                    return False
                wait = self.pause() or _AFTER_ANOTHERS_PROBE_SECONDS
            elif not wait:
                wait = await self._pay(purpose, weight, api_key)
            if not wait:
                return True
            text = _TEXTS[self._reason if self.pause() else ""]
            if purpose in _COMMANDS:
                raise RateLimited(text, retry_after=wait)
            if time.monotonic() + wait > give_up_at:
                is_away = self.pause() and self._reason == Pause.NOT_ANSWERING
                raise (Unavailable if is_away else HeldBack)(text, retry_after=wait)
            await asyncio.sleep(wait)

    async def failed(self, status: int, headers: Mapping[str, str], body: str) -> None:
        """An exception instead of an answer; `status` 0 when nothing came back at all."""
        limits = self.venue.limits
        if status in limits.pauses:
            if not (limits.account_mark and limits.account_mark in body):
                await self._block(pause_asked_for(headers, body) or limits.pauses[status])
        elif status == 0 or status >= 500:
            await self._count_failure()
        elif self.is_worried:
            await self.answered()

    @property
    def is_worried(self) -> bool:
        """Whether an answer would be news."""
        return self._failures > 0 or self._is_half_open

    async def answered(self) -> None:
        self._failures = 0
        if self._is_half_open and not self.pause():
            await self._common(lambda store: store.close_breaker(self.name))

    # --- The common standing ---------------------------------------------------------------------------

    async def _common(self, question: Callable[[Store], View]) -> View:
        # Redis may be slow to fail, and the loop serves every order of this process.
        return self._see(await asyncio.to_thread(self._ask, question))

    def _see(self, seen: View) -> View:
        with self._guard:
            now = time.monotonic()
            self._known_until = now + KNOWN_FOR_SECONDS
            # When Redis goes away, the pauses it had told of stay.
            kept = 0.0 if seen.is_shared else self._blocked_until
            if kept <= now + seen.blocked_for:
                self._blocked_until, self._reason = now + seen.blocked_for, seen.reason
            self._is_half_open = seen.is_half_open
        return seen

    async def _look(self) -> None:
        async with self._one_at_a_time():
            if not self.is_known():
                await self._common(lambda store: store.look(self.name))

    async def _block(self, seconds: float) -> None:
        with self._guard:
            # At once, and whatever a look that is under way brings back.
            self._own_block_until = max(self._own_block_until, time.monotonic() + seconds)
            self._promised = 0
            self._leases = {True: _Lease(), False: _Lease()}
        await self._common(lambda store: store.block(self.name, seconds, Pause.RATE_LIMITED))

    async def _claims_probe(self) -> bool:
        return (await self._common(lambda store: store.claim_probe(self.name))).granted == 1

    async def _count_failure(self) -> None:
        now = time.monotonic()
        if self.pause():
            return
        if now - self._first_failure_at > FAILURES_WITHIN_SECONDS:
            self._failures = 0
        if self._failures == 0:
            self._first_failure_at = now
        self._failures += 1
        if self._failures >= FAILURES or self._is_half_open:
            self._failures = 0
            stretch = 1 + random.random() / 2  # noqa: S311 - jitter
            await self._common(lambda store: store.open_breaker(self.name, stretch))

    # --- Tokens ----------------------------------------------------------------------------------------

    async def _pay(self, purpose: Purpose, weight: int, api_key: str) -> float:
        """0 when paid, else how long to wait."""
        if purpose is Purpose.ORDER:
            wait = await self._count_order(api_key)
            if wait or self._use_promise(time.monotonic()):
                return wait
        is_urgent = purpose in _URGENT
        if self._spend(is_urgent, weight):
            return 0.0
        async with self._one_at_a_time():
            return 0.0 if self._spend(is_urgent, weight) else await self._lease(is_urgent, weight)

    def _use_promise(self, now: float) -> bool:
        with self._guard:
            if self._promised <= 0 or now > self._promised_until:
                return False
            self._promised -= 1
            return True

    def _spend(self, is_urgent: bool, weight: int) -> bool:
        with self._guard:
            lease = self._leases[is_urgent]
            if lease.tokens < weight or time.monotonic() > lease.until:
                return False
            lease.tokens -= weight
            return True

    async def _lease(self, is_urgent: bool, weight: int) -> float:
        budget = self.venue.limits.address
        chunk = max(weight, min(1000, math.floor(budget.burst / 100)))
        wish = Wish(chunk, least=weight, floor=0.0 if is_urgent else budget.reserved)
        seen = await self._common(lambda store: store.take(self.name, budget, wish))
        if seen.granted:
            with self._guard:
                self._leases[is_urgent] = _Lease(seen.granted - weight, time.monotonic() + LEASE_SECONDS)
            return 0.0
        return self.pause() or seen.wait or _AFTER_ANOTHERS_PROBE_SECONDS

    def _is_counted_here(self, api_key: str, now: float) -> bool:
        """Whether this order is one of an account's first few; it is then counted."""
        limit = self.venue.limits.orders_of_account
        if limit is None:
            return True
        if now > self._orders_until:
            self._orders, self._orders_until = {}, now + limit.seconds
        count = self._orders.get(api_key, 0) + 1
        if count > limit.weight * _UNCOUNTED_PART:
            return False
        self._orders[api_key] = count
        return True

    async def _count_order(self, api_key: str) -> float:
        """The venue's limit for one account: the first few orders are counted here, the rest together."""
        limit = self.venue.limits.orders_of_account
        if limit is None or self._is_counted_here(api_key, time.monotonic()):
            return 0.0
        together = Budget(limit.weight * (1 - _MOST_PROCESSES * _UNCOUNTED_PART), limit.seconds)
        name = f"{ACCOUNT}{self.name}|{hashlib.sha256(api_key.encode()).hexdigest()[:16]}"
        seen = await asyncio.to_thread(self._ask, lambda store: store.take(name, together, Wish(1)))
        return 0.0 if seen.granted else seen.wait

    def _one_at_a_time(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Those who need the same thing from the common standing share one trip."""
        running = asyncio.get_running_loop()
        if self._turn is None or self._turn[0] is not running:
            self._turn = running, asyncio.Lock()
        return self._turn[1]
