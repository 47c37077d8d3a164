"""The conductor: the only file that enqueues. Steps commit and return the next work.

Every task may run twice, late, or not at all: the work lists in the database are what counts, and
the workers' sweep goes through them.
"""

from __future__ import annotations

import gc
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from celery import Task, shared_task
from celery.signals import worker_ready
from django.db import close_old_connections
from django.utils import timezone
from kombu.exceptions import OperationalError

from exchanges import gateway, loop
from exchanges.errors import ExchangeError
from execution import (
    breaches,
    claiming,
    guard,
    leaving,
    missed_sales,
    openings,
    pacing,
    placing,
    reconcile,
    silence,
    slices,
    stops,
    wishes,
)
from execution.claiming import Claimed
from execution.endings import Work, finish_if_settled
from execution.exports import keeping, writing
from execution.fan_out import Written, write_slice
from execution.models import CopyOrder, SweepTurn
from execution.settling import settle
from strategies.models import Signal
from wallets.models import ExchangeAccount

# Orders of one message: enough to keep the connections busy, few enough to share the workers.
BATCH = 100
# What was enqueued is on its way for this long before a sweep sends it again.
SWEEP_AFTER = timedelta(seconds=5)
SWEEP_MOST = 2000
SWEEP_SECONDS = 1.0
PRICES_SECONDS = 5.0
WARM_LIMIT_SECONDS = 30.0
# A broker that hangs must not cost every message its time-out.
BROKER_PAUSE_SECONDS = 5.0
_broker_away_until = 0.0
_up_since = timezone.now()

log = structlog.get_logger(__name__)


def enqueue_fan_out(signal_id: int) -> None:
    _send(fan_out, (signal_id,), queue="signals")


def enqueue_orders(order_ids: Sequence[int], queue: str = "orders") -> None:
    for start in range(0, len(order_ids), BATCH):
        _send(_execute_orders, (list(order_ids[start : start + BATCH]),), queue=queue)


def enqueue_work(work: Work) -> None:
    for exchange, order_ids in work.refused.items():
        _send(resend_exits, (exchange, order_ids), queue="exits")
    if work.short:
        _send(cap_exits, (work.short,), queue="exits")
    enqueue_orders(work.exits, queue="exits")
    enqueue_orders(work.entries, queue="orders")


def enqueue_look_ups() -> None:
    """Ask the venues now about what is due: a canceled order, for one."""
    _send(look_up_orders, (), queue="recovery")


def enqueue_exports() -> None:
    """An export was asked for."""
    _send(write_exports, (), queue="default")


def _send(task: Task[Any, None], arguments: tuple[object, ...], *, queue: str) -> bool:
    """Whether the broker took it."""
    global _broker_away_until
    if time.monotonic() < _broker_away_until:
        return False
    try:
        task.apply_async(arguments, queue=queue, retry=False)
    except OperationalError as error:
        # The broker is away. The rows are the work list: the workers' own sweep finds them.
        _broker_away_until = time.monotonic() + BROKER_PAUSE_SECONDS
        log.error("not_enqueued", task=task.name, queue=queue, error=str(error))
        return False
    return True


@shared_task
def fan_out(signal_id: int) -> None:
    """Cut a signal's followers into slices for whoever is free; the first of them is written here."""
    is_done = False
    while not is_done:
        plan = slices.plan(signal_id, now=timezone.now())
        queue = "exits" if plan.is_exit else "orders"
        written = [_write(slice_id) for slice_id in plan.slice_ids[:1]]
        others = plan.slice_ids[1:]
        kept = [slice_id for slice_id in others if not _send(place_slice, (slice_id,), queue=queue)]
        # Behind the slices in their queue, so that other signals have their turn.
        is_done = plan.is_complete or _send(fan_out, (signal_id,), queue=queue)
        for first in written:
            _place(first.to_send)
        for slice_id in kept:
            place_slice.run(slice_id)


@shared_task
def place_slice(slice_id: int) -> None:
    """Write and claim the orders of a slice, send them all at once, settle as the answers come."""
    _place(_write(slice_id).to_send)


def _write(slice_id: int) -> Written:
    return write_slice(slice_id, now=timezone.now(), claim_for=worker_name())


@shared_task
def _execute_orders(order_ids: list[int]) -> None:
    """Place a batch of orders: claim, send all at once, settle as the answers come."""
    order_ids = pacing.as_many_as_venues_take(order_ids, now=timezone.now())
    claim = claiming.claim(order_ids, worker=worker_name(), now=timezone.now())
    enqueue_work(claim.work)
    _place(claim.to_send)


def _place(claimed: Sequence[Claimed]) -> None:
    for outcomes in placing.send(claimed):
        enqueue_work(settle(outcomes, now=timezone.now()))


@shared_task
def _execute_order(order_id: int) -> None:
    """Place one order: the same code for a batch of one."""
    _execute_orders.run([order_id])


@shared_task
def cap_exits(order_ids: list[int]) -> None:
    """Find out what is there to sell for exits that the venue refused for want of coins, and sell that."""
    reconcile.cap_exits(order_ids, now=timezone.now())
    _execute_orders.run(order_ids)


@shared_task
def resend_exits(exchange: str, order_ids: list[int]) -> None:
    """Read the venue's rules anew for exits that it refused by them, and send them by those, here."""
    reconcile.renew_rules(exchange, order_ids, now=timezone.now())
    _execute_orders.run(order_ids)


@shared_task
def look_up_orders() -> None:
    """Ask the venues about orders whose outcome is not known here."""
    enqueue_work(reconcile.look_up_due(now=timezone.now()))


@shared_task
def read_marks() -> None:
    """Read public prices."""
    guard.read_marks(now=timezone.now())


@shared_task
def keep_wishes() -> None:
    """Sum up what all copies of a strategy may wish for together."""
    wishes.keep(now=timezone.now())


@shared_task
def write_exports() -> None:
    """Write the exports that wait; every few seconds too, for what a lost message or a dead worker left."""
    writing.write_waiting()


@shared_task
def tidy_exports() -> None:
    """Each hour: files that are out of date."""
    keeping.tidy(now=timezone.now())


def worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


# --- The workers' own sweep, in turns: neither the broker nor beat is needed for work to go on -----------


def sweep() -> None:
    """Do what a lost message, a dead worker or a pause has left in the work lists, here and now."""
    now = timezone.now()
    _attempt(look_up_orders.run)
    _attempt(lambda: silence.watch_over(now=now, up_since=_up_since))
    _attempt(lambda: enqueue_work(stops.watch_levels(now=now)))
    _attempt(partial(_watch_losses, now))
    _attempt(lambda: enqueue_work(leaving.advance(now=now)))
    _attempt(lambda: enqueue_work(missed_sales.look_again(now=now)))
    _attempt(lambda: finish_if_settled(Signal.objects.unfinished(before=now - SWEEP_AFTER)))
    for opening_id in openings.asked():
        _attempt(partial(_open, opening_id))
    forgotten = Signal.objects.to_fan_out().standing_still(since=now - SWEEP_AFTER).order_by("pk")
    for signal_id in list(forgotten.values_list("pk", flat=True)):
        _attempt(partial(fan_out.run, signal_id))
    due = (
        CopyOrder.objects.due(now=now)
        .exclude(attempt=0, reason_code="", due_at__gt=now - SWEEP_AFTER)
        .first_in_line()
    )
    # Exits go first: `exit` sorts after `entry`.
    order_ids = list(due.order_by("-kind", "due_at").values_list("pk", flat=True)[:SWEEP_MOST])
    for start in range(0, len(order_ids), BATCH):
        _attempt(partial(_execute_orders.run, order_ids[start : start + BATCH]))


def _open(opening_id: int) -> None:
    enqueue_work(openings.write(opening_id, now=timezone.now()))


def _watch_losses(now: datetime) -> None:
    breaches.watch_losses(now=now)


def _attempt(work: Callable[[], None]) -> None:
    """One piece of work that fails must not keep the others waiting."""
    try:
        work()
    except Exception:
        log.exception("sweep_failed")


@worker_ready.connect
def _collect_seldom(**_: object) -> None:
    """What was loaded at start stays; collecting it over and over takes a sixth of an order's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)


@worker_ready.connect
def _start_sweeping(sender: Any, **_: object) -> None:
    if "recovery" in {queue.name for queue in sender.task_consumer.queues}:
        threading.Thread(target=_sweep_for_ever, name="sweep", daemon=True).start()
        threading.Thread(target=_read_prices_for_ever, name="prices", daemon=True).start()


def _sweep_for_ever() -> None:
    _attempt(_warm)
    while True:
        _attempt(_sweep_in_turn)
        close_old_connections()
        time.sleep(SWEEP_SECONDS)


def _sweep_in_turn() -> None:
    if SweepTurn.objects.take(seconds=SWEEP_SECONDS):
        sweep()


def _read_prices_for_ever() -> None:
    """Beside the sweep: a venue that is slow to tell its prices must not keep orders waiting."""
    while True:
        _attempt(_read_overdue_marks)
        close_old_connections()
        time.sleep(PRICES_SECONDS)


def _read_overdue_marks() -> None:
    guard.read_overdue_marks(now=timezone.now())


def _warm() -> None:
    """Load the venues' markets and measure their clocks, so that the first signal need not wait for them."""
    venues = ExchangeAccount.objects.connected().order_by("exchange").values_list("exchange", flat=True)
    for exchange in venues.distinct():
        try:
            loop.run(gateway.warm(exchange), timeout=WARM_LIMIT_SECONDS)
        except (ExchangeError, TimeoutError) as error:
            log.warning("not_warmed", exchange=exchange, error=str(error))
