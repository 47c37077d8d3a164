"""Which watcher watches which master's account: leases of ten seconds, lost by the dead and the hung."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.db.models import Q
from django.utils import timezone

from execution.master_feed import watch_account
from execution.models import MasterFeed
from execution.watching import SignalSink, Watch
from strategies.models import StrategySymbol
from wallets.models import ExchangeAccount

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=10)
RENEW_SECONDS = 2.0


def accounts_to_watch() -> dict[int, dict[str, int]]:
    """Symbol → strategy of every account that feeds a published strategy."""
    wanted: dict[int, dict[str, int]] = {}
    # One that was unreachable a moment ago is watched on: who else would notice that it is back?
    rows = (
        StrategySymbol.objects.filter(exchange_account__disconnected_at=None)
        .exclude(exchange_account__status=ExchangeAccount.Status.INVALID)
        .values_list("exchange_account_id", "symbol", "strategy_id")
    )
    for account_id, symbol, strategy_id in rows:
        wanted.setdefault(account_id, {})[symbol] = strategy_id
    return wanted


def lease(account_id: int, *, watcher: str, now: datetime, idle: timedelta = timedelta(0)) -> bool:
    """Take or renew the lease of an account; False while another watcher holds it.

    `idle` is for how long the account's own thread has shown no progress: that much of the lease is gone.
    """
    MasterFeed.objects.of_account(account_id)
    free = Q(leased_by=watcher) | Q(leased_until=None) | Q(leased_until__lt=now)
    taken = MasterFeed.objects.filter(free, exchange_account_id=account_id).update(
        leased_by=watcher, leased_until=now + LEASE - idle
    )
    return taken == 1


def release(account_ids: Iterable[int], *, watcher: str) -> None:
    """Let others take over at once."""
    MasterFeed.objects.filter(exchange_account_id__in=account_ids, leased_by=watcher).update(
        leased_until=None
    )


@dataclass(slots=True)
class Watcher:
    """The accounts that this process watches, each in a thread of its own."""

    name: str
    on_signal: SignalSink
    watches: dict[int, tuple[Watch, threading.Thread]] = field(default_factory=dict)
    # What hung here is left to others for a while.
    leave_alone_until: dict[int, float] = field(default_factory=dict)

    def share(self) -> None:
        """Hold the leases of what is watched, take over what is free, let go of what is not wanted."""
        wanted = accounts_to_watch()
        now, moment = timezone.now(), time.monotonic()
        for account_id, (watch, thread) in list(self.watches.items()):
            is_wanted = wanted.get(account_id) == watch.strategies and thread.is_alive()
            if not (is_wanted and self._renew(watch, now, moment)):
                watch.stop.set()
                del self.watches[account_id]
        for account_id, strategies in wanted.items():
            is_left = self.leave_alone_until.get(account_id, 0) > moment
            if account_id not in self.watches and not is_left:
                self._take_over(account_id, strategies, now)

    def _renew(self, watch: Watch, now: datetime, moment: float) -> bool:
        idle = timedelta(seconds=max(0.0, moment - watch.progress_at))
        if idle < LEASE:
            return lease(watch.account_id, watcher=self.name, now=now, idle=idle)
        log.error("watch_hangs", account_id=watch.account_id, seconds=round(idle.total_seconds()))
        self.leave_alone_until[watch.account_id] = moment + LEASE.total_seconds()
        return False

    def _take_over(self, account_id: int, strategies: dict[str, int], now: datetime) -> None:
        if not lease(account_id, watcher=self.name, now=now):
            return
        account = ExchangeAccount.objects.get(pk=account_id)
        watch = Watch(
            account_id=account_id,
            exchange=account.exchange,
            strategies=strategies,
            started_at=timezone.now(),
            on_signal=self.on_signal,
        )
        thread = threading.Thread(
            target=watch_account, args=(watch,), name=f"account-{account_id}", daemon=True
        )
        thread.start()
        self.watches[account_id] = (watch, thread)
        log.info("watching", account_id=account_id, symbols=sorted(strategies))

    def stop(self) -> None:
        """End every thread and let others take over at once."""
        for watch, _thread in self.watches.values():
            watch.stop.set()
        for _watch, thread in self.watches.values():
            thread.join(timeout=5)
        release(self.watches, watcher=self.name)
