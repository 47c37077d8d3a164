"""Step 3, second half: place what was claimed, all at once, and hand back what came of each order."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.utils import timezone

from exchanges import gateway, loop
from exchanges.errors import ExchangeError, OutcomeUnknown
from exchanges.types import OrderReport
from execution.claiming import Claimed

log = structlog.get_logger(__name__)

BATCH_SECONDS = 0.03
# Longer than any call's own limit: a lost future must not hold a worker thread.
ANSWER_LIMIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of sending or looking up an order: a report, or the error that stands for it."""

    order_id: int
    subscription_id: int | None
    attempt: int
    report: OrderReport | None
    error: ExchangeError | None
    at: datetime


def send(claimed: Sequence[Claimed]) -> Iterator[list[Outcome]]:
    """Place all at once on the process's event loop; yield outcomes in small batches as they arrive."""
    answers: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
    for order in claimed:
        loop.submit(_place(order, answers))
    outstanding = len(claimed)
    while outstanding:
        batch = _next_batch(answers, outstanding)
        if not batch:
            # Their rows stay `submitting`; the reconciler asks the venue.
            log.error("orders_without_answer", count=outstanding)
            return
        outstanding -= len(batch)
        yield batch


def _next_batch(answers: queue.SimpleQueue[Outcome], most: int) -> list[Outcome]:
    """The next answers, gathered for a moment; empty when none came for too long."""
    batch: list[Outcome] = []
    wait = ANSWER_LIMIT_SECONDS
    until = 0.0
    while len(batch) < most:
        try:
            batch.append(answers.get(timeout=wait))
        except queue.Empty:
            break
        until = until or time.monotonic() + BATCH_SECONDS
        wait = max(0.0, until - time.monotonic())
    return batch


async def _place(order: Claimed, answers: queue.SimpleQueue[Outcome]) -> None:
    report, error = None, None
    try:
        report = await gateway.place(order.account, order.request)
    except ExchangeError as refused:
        error = refused
    except Exception:
        log.exception("placing_failed", order_id=order.order_id)
        error = OutcomeUnknown("The order's outcome is not known.")
    answers.put(Outcome(order.order_id, order.subscription_id, order.attempt, report, error, timezone.now()))
