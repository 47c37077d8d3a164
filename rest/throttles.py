"""How often one caller may ask; counted in the shared cache, so all web processes count together."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import structlog
from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from rest.addresses import client_ip

WINDOW_SECONDS = 60
PER_CALLER = 600
PER_STRANGER = 120
log = structlog.get_logger(__name__)


def seconds_to_wait(name: str, *, limit: int, window: int = WINDOW_SECONDS) -> float | None:
    """Count one act under `name`; None if it is within the limit, else the time until the next window.

    A cache that is down limits nobody: copying goes on without it.
    """
    if not settings.THROTTLING:
        return None
    now = time.time()
    key = f"throttle:{name}:{int(now // window)}"
    try:
        cache.add(key, 0, timeout=2 * window)
        count = cache.incr(key)
    except (RedisError, ValueError) as error:
        log.warning("throttle_unavailable", error=type(error).__name__)
        return None
    return window - now % window + 1 if count > limit else None


def forgive(name: str, *, window: int = WINDOW_SECONDS) -> None:
    """Take one act back that turned out well, where only failures count."""
    if settings.THROTTLING:
        with contextlib.suppress(RedisError, ValueError):
            cache.decr(f"throttle:{name}:{int(time.time() // window)}")


class PerCaller(BaseThrottle):
    """Per token, per person in a browser, per address of strangers."""

    def __init__(self) -> None:
        self._wait: float | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        name, limit = _caller(request)
        self._wait = seconds_to_wait(name, limit=limit)
        return self._wait is None

    def wait(self) -> float | None:
        return self._wait


def _caller(request: Request) -> tuple[str, int]:
    if request.auth is not None:
        return f"token:{request.auth.pk}", PER_CALLER
    if request.user.is_authenticated:
        return f"user:{request.user.pk}", PER_CALLER
    return f"address:{client_ip(request)}", PER_STRANGER
