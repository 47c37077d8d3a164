"""One master account being watched: what the thread that watches it knows, and how it asks the venue."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from exchanges import loop, stream
from exchanges.errors import ExchangeError
from exchanges.types import FillReport
from execution.watcher import AccountSnapshot

# Longer than ccxt waits, so that only a hung event loop comes to it, and shorter than a lease.
CALL_LIMIT_SECONDS = 9.0
# What is asked for again begins so much early; what is known already changes nothing.
OVERLAP = timedelta(seconds=60)

Answer = TypeVar("Answer")
SignalSink = Callable[[int], object]


@dataclass(slots=True)
class Gathering:
    """Fills of one master order on their way to become a signal."""

    until: float
    fills: list[FillReport] = field(default_factory=list)


@dataclass(slots=True)
class Watch:
    """One account being watched by this process, in a thread of its own."""

    account_id: int
    exchange: str
    strategies: dict[str, int]
    started_at: datetime
    on_signal: SignalSink
    stop: threading.Event = field(default_factory=threading.Event)
    events: queue.SimpleQueue[stream.StreamEvent] = field(default_factory=queue.SimpleQueue)
    gathering: dict[str, Gathering] = field(default_factory=dict)
    # Told in part, with their symbol and when.
    purchases_going_on: dict[str, tuple[str, float]] = field(default_factory=dict)
    snapshot: AccountSnapshot | None = None
    next_snapshot: float = 0.0
    next_back_fill: float = 0.0
    next_transfers: float = 0.0
    # Symbols of which coins seem to be missing, once.
    doubted: set[str] = field(default_factory=set)
    # When the thread last got anywhere: a hung one loses its lease.
    progress_at: float = field(default_factory=time.monotonic)
    following: Future[None] | None = None
    listening_since: datetime | None = None
    is_mute: bool | None = None


def ask(watch: Watch, question: Coroutine[Any, Any, Answer]) -> Answer:
    """The venue's answer or refusal, either of which is progress; what is never answered is none."""
    try:
        answer = loop.run(question, timeout=CALL_LIMIT_SECONDS)
    except ExchangeError:
        watch.progress_at = time.monotonic()
        raise
    watch.progress_at = time.monotonic()
    return answer
