"""Step 3, second half: place what was claimed, all at once, and hand back what came of each order."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import structlog
from django.utils import timezone

from exchanges import gateway, loop
from exchanges.errors import ExchangeError, OutcomeUnknown
from exchanges.types import OrderReport
from execution.claiming import Claimed

log = structlog.get_logger(__name__)

BATCH_SECONDS = 0.03
# Orders that are signed before the loop sends them.
SENT_TOGETHER = 10
# Longer than any call's own limit: a lost future must not hold a worker thread.
ANSWER_LIMIT_SECONDS = 30.0


class Outcome(NamedTuple):
    """What came of sending or looking up an order: a report, or the error that stands for it."""

    order_id: int
    subscription_id: int | None
    attempt: int
    report: OrderReport | None
    error: ExchangeError | None
    at: datetime


def send(claimed: Sequence[Claimed]) -> Iterator[list[Outcome]]:
    """Place all at once on the process's event loop; yield outcomes in small batches as they arrive."""
    batches: queue.SimpleQueue[list[Outcome]] = queue.SimpleQueue()
    if claimed:
        loop.submit(_place_all(claimed, batches))
    outstanding = len(claimed)
    while outstanding:
        try:
            batch = batches.get(timeout=ANSWER_LIMIT_SECONDS)
        except queue.Empty:
            # Their rows stay `submitting`; the reconciler asks the venue.
            log.error("orders_without_answer", count=outstanding)
            return
        # What came while the last batch was settled goes with this one.
        while not batches.empty():
            batch += batches.get()
        outstanding -= len(batch)
        yield batch


async def _place_all(claimed: Sequence[Claimed], batches: queue.SimpleQueue[list[Outcome]]) -> None:
    """Answers are gathered here for a moment from the first on: each hand-over wakes another thread."""
    waiting = set()
    for number, order in enumerate(claimed, 1):
        waiting.add(asyncio.create_task(_place(order)))
        if number % SENT_TOGETHER == 0:
            # The loop sends at the end of a turn: the first need not wait until the last is signed.
            await asyncio.sleep(0)
    while waiting:
        answered, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if waiting:
            more, waiting = await asyncio.wait(waiting, timeout=BATCH_SECONDS)
            answered |= more
        batches.put([task.result() for task in answered])


async def _place(order: Claimed) -> Outcome:
    report, error = None, None
    try:
        report = await gateway.place(order.account, order.request)
    except ExchangeError as refused:
        error = refused
    except Exception:
        log.exception("placing_failed", order_id=order.order_id)
        error = OutcomeUnknown("The order's outcome is not known.")
    return Outcome(order.order_id, order.subscription_id, order.attempt, report, error, timezone.now())
