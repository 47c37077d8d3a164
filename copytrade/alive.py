"""Which workers live: each says so every five seconds, in the broker."""

from __future__ import annotations

import os
import socket
import threading
import time
from datetime import datetime
from typing import Any

import structlog
from celery.signals import worker_ready
from redis import RedisError

from copytrade.standing import broker

KEY = "copytrade:alive"
EVERY_SECONDS = 5.0
# Three words missed.
GONE_SECONDS = 15.0
log = structlog.get_logger(__name__)


@worker_ready.connect
def _start(sender: Any, **_: object) -> None:
    queues = {queue.name for queue in sender.task_consumer.queues}
    kind = "trading" if "orders" in queues else "default"
    threading.Thread(target=_for_ever, args=(kind,), name="alive", daemon=True).start()


def _for_ever(kind: str) -> None:
    name = f"{kind} {socket.gethostname()}:{os.getpid()}"
    while True:
        try:
            say(name, at=time.time())
        except RedisError as error:
            log.warning("not_said_alive", error=type(error).__name__)
        time.sleep(EVERY_SECONDS)


def say(name: str, *, at: float) -> None:
    pipeline = broker().pipeline(transaction=False)
    pipeline.zadd(KEY, {name: at})
    pipeline.zremrangebyscore(KEY, "-inf", at - GONE_SECONDS)
    pipeline.execute()


def workers(now: datetime) -> list[str]:
    """By name. Raises RedisError."""
    found: Any = broker().zrangebyscore(KEY, now.timestamp() - GONE_SECONDS, "+inf")
    return sorted(name.decode() for name in found)
