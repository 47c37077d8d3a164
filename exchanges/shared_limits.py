"""Where standings are kept: in Redis for every process together, or in this process alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from exchanges import standing as rules
from exchanges.standing import Budget, Standing, View, Wish

REDIS_SECONDS = 0.25
_KEPT_SECONDS = 86_400
_PREFIX = "limits:"
_REGISTER = "limits:addresses"
# Standings of single accounts are counted but not listed.
ACCOUNT = "account|"

# The rules of standing.py; test_limits_redis.py holds both to the same answers. Numbers cross as text:
# Redis cuts what a script returns to whole numbers.
_SCRIPT = f"""
local act, now = ARGV[1], tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) + tonumber(time[2]) / 1000000
end
local kept = redis.call('HMGET', KEYS[1],
  'tokens', 'at', 'blocked_until', 'reason', 'openings', 'probe_until')
local tokens, at = tonumber(kept[1]), tonumber(kept[2]) or 0
local blocked_until, reason = tonumber(kept[3]) or 0, kept[4] or ''
local openings, probe_until = tonumber(kept[5]) or 0, tonumber(kept[6]) or 0
local granted, wait, changed = 0, 0, false

if act == 'take' then
  local burst, per_second = tonumber(ARGV[3]), tonumber(ARGV[4])
  local wanted, least = tonumber(ARGV[5]), tonumber(ARGV[6])
  local floor, ahead = tonumber(ARGV[7]), tonumber(ARGV[8])
  if blocked_until <= now and openings == 0 then
    local there = burst
    if tokens then there = math.min(burst, tokens + math.max(0, now - at) * per_second) end
    local room = there - floor + per_second * ahead
    granted = math.max(0, math.min(wanted, math.floor(room)))
    if granted < least then
      granted, wait = 0, math.max(0, least - room) / per_second
    else
      tokens, at, changed = there - granted, now, true
    end
  end
elseif act == 'block' then
  local ends = now + tonumber(ARGV[3])
  if blocked_until < ends then blocked_until, reason, changed = ends, ARGV[4], true end
elseif act == 'open' then
  if blocked_until <= now then
    local pause = math.min({rules.FIRST_PAUSE} * 2 ^ math.min(openings, 10), {rules.LONGEST_PAUSE})
    blocked_until, reason = now + pause * tonumber(ARGV[3]), '{rules.Pause.NOT_ANSWERING}'
    openings, probe_until, changed = openings + 1, 0, true
  end
elseif act == 'probe' then
  if openings > 0 and blocked_until <= now and probe_until <= now then
    probe_until, granted, changed = now + {rules.PROBE_SECONDS}, 1, true
  end
elseif act == 'close' then
  if openings > 0 and blocked_until <= now then openings, probe_until, changed = 0, 0, true end
end

if changed then
  local function text(number) return string.format('%.6f', number) end
  redis.call('HSET', KEYS[1], 'at', text(at), 'blocked_until', text(blocked_until), 'reason', reason,
    'openings', openings, 'probe_until', text(probe_until))
  if tokens then redis.call('HSET', KEYS[1], 'tokens', text(tokens)) end
  redis.call('EXPIRE', KEYS[1], math.max({_KEPT_SECONDS}, math.ceil(blocked_until - now)))
  if KEYS[2] then redis.call('SADD', KEYS[2], KEYS[1]) end
end
local blocked_for = math.max(0, blocked_until - now)
local half_open = 0
if blocked_for == 0 then
  reason = ''
  if openings > 0 then half_open = 1 end
end
return {{granted, string.format('%.6f', wait), string.format('%.6f', blocked_for), reason, half_open}}
"""


class Store(Protocol):
    """Standings by name. Every act answers what the caller then sees."""

    def take(self, name: str, budget: Budget, wish: Wish) -> View: ...

    def look(self, name: str) -> View: ...

    def block(self, name: str, seconds: float, reason: str) -> View: ...

    def open_breaker(self, name: str, stretch: float) -> View: ...

    def claim_probe(self, name: str) -> View:
        """`granted` is 1 for the one that may try."""

    def close_breaker(self, name: str) -> View: ...

    def forget(self, name: str) -> None: ...

    def names(self) -> list[str]: ...


class OwnStore:
    """This process alone."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._kept: dict[str, Standing] = {}

    def take(self, name: str, budget: Budget, wish: Wish) -> View:
        with self._guard:
            self._kept[name], seen = rules.take(self._of(name), budget, wish, self._clock())
        return seen

    def look(self, name: str) -> View:
        return rules.view(self._of(name), self._clock())

    def block(self, name: str, seconds: float, reason: str) -> View:
        return self._change(name, lambda before, now: rules.block(before, seconds, reason, now))

    def open_breaker(self, name: str, stretch: float) -> View:
        return self._change(name, lambda before, now: rules.open_breaker(before, stretch, now))

    def claim_probe(self, name: str) -> View:
        with self._guard:
            self._kept[name], mine = rules.claim_probe(self._of(name), self._clock())
        return replace(self.look(name), granted=int(mine))

    def close_breaker(self, name: str) -> View:
        return self._change(name, rules.close_breaker)

    def forget(self, name: str) -> None:
        self._kept.pop(name, None)

    def names(self) -> list[str]:
        return sorted(name for name in self._kept if not name.startswith(ACCOUNT))

    def _of(self, name: str) -> Standing:
        return self._kept.get(name, Standing())

    def _change(self, name: str, rule: Callable[[Standing, float], Standing]) -> View:
        with self._guard:
            self._kept[name] = rule(self._of(name), self._clock())
        return self.look(name)


class RedisStore:
    """Every process with the same Redis, timed by its clock. Each act may raise redis.RedisError."""

    def __init__(self, url: str, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock
        self._redis = redis.Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
            # Once more on a connection that Redis closed while idle; never a pause.
            retry=Retry(NoBackoff(), 1),
        )
        self._script = self._redis.register_script(_SCRIPT)

    def take(self, name: str, budget: Budget, wish: Wish) -> View:
        limits = (budget.burst, budget.per_second)
        return self._act("take", name, *limits, wish.wanted, wish.least, wish.floor, wish.ahead)

    def look(self, name: str) -> View:
        return self._act("look", name)

    def block(self, name: str, seconds: float, reason: str) -> View:
        return self._act("block", name, seconds, reason)

    def open_breaker(self, name: str, stretch: float) -> View:
        return self._act("open", name, stretch)

    def claim_probe(self, name: str) -> View:
        return self._act("probe", name)

    def close_breaker(self, name: str) -> View:
        return self._act("close", name)

    def forget(self, name: str) -> None:
        self._redis.delete(_PREFIX + name)
        self._redis.srem(_REGISTER, _PREFIX + name)

    def names(self) -> list[str]:
        members = self._redis.smembers(_REGISTER)
        return sorted(str(member).removeprefix(_PREFIX) for member in members)

    def close(self) -> None:
        self._redis.close()

    def _act(self, act: str, name: str, *arguments: float | str) -> View:
        now = "" if self._clock is None else repr(self._clock())
        is_listed = act != "look" and not name.startswith(ACCOUNT)
        keys = [_PREFIX + name, _REGISTER] if is_listed else [_PREFIX + name]
        told = self._script(keys=keys, args=[act, now, *arguments])
        granted, wait, blocked_for, reason, half_open = told
        return View(int(granted), float(wait), float(blocked_for), reason, half_open == 1, is_shared=True)
