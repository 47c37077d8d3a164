"""Watch the masters' accounts. Any number of these processes share them."""

from __future__ import annotations

import os
import signal
import socket
import threading
from typing import Any

import structlog
from django.core.management.base import BaseCommand
from django.utils import timezone

from execution import tasks
from execution.master_feed import (
    RENEW_SECONDS,
    Watch,
    accounts_to_watch,
    lease,
    release,
    watch_account,
)
from wallets.models import ExchangeAccount

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Watch the masters' accounts and turn their fills into signals."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        watcher = f"{socket.gethostname()}:{os.getpid()}"
        watches: dict[int, tuple[Watch, threading.Thread]] = {}
        self.stdout.write("watching masters", ending="\n")
        self.stdout.flush()
        while not stop.is_set():
            _share(watches, watcher)
            stop.wait(RENEW_SECONDS)
        for watch, _thread in watches.values():
            watch.stop.set()
        for _watch, thread in watches.values():
            thread.join(timeout=5)
        release(watches, watcher=watcher)


def _share(watches: dict[int, tuple[Watch, threading.Thread]], watcher: str) -> None:
    """Hold the leases of what is watched, take over what is free, let go of what is no longer wanted."""
    wanted = accounts_to_watch()
    now = timezone.now()
    for account_id, (watch, thread) in list(watches.items()):
        is_wanted = wanted.get(account_id) == watch.strategies and thread.is_alive()
        if not (is_wanted and lease(account_id, watcher=watcher, now=now)):
            watch.stop.set()
            del watches[account_id]
    for account_id, strategies in wanted.items():
        if account_id not in watches and lease(account_id, watcher=watcher, now=now):
            watches[account_id] = _start(account_id, strategies)


def _start(account_id: int, strategies: dict[str, int]) -> tuple[Watch, threading.Thread]:
    account = ExchangeAccount.objects.get(pk=account_id)
    watch = Watch(
        account_id=account_id,
        exchange=account.exchange,
        strategies=strategies,
        started_at=timezone.now(),
        on_signal=tasks.enqueue_fan_out,
    )
    thread = threading.Thread(target=watch_account, args=(watch,), name=f"account-{account_id}", daemon=True)
    thread.start()
    log.info("watching", account_id=account_id, symbols=sorted(strategies))
    return watch, thread
