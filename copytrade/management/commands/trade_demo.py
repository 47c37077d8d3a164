"""Let the masters of the demo trade at the paper exchange, every few seconds, until stopped."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping
from random import Random
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from copytrade.demo import CALL_SECONDS, MASTERS, Master, free_and_held, trade
from exchanges import gateway, loop
from exchanges.errors import ExchangeError
from exchanges.types import Quote
from strategies.models import Strategy

SHORTEST_SECONDS, LONGEST_SECONDS = 2.0, 6.0


class Command(BaseCommand):
    help = "Let the demo's masters trade on the paper exchange."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        random = Random()  # noqa: S311 - whose turn it is
        before: dict[str, Mapping[str, Quote]] = {}
        while not stop.wait(random.uniform(SHORTEST_SECONDS, LONGEST_SECONDS)):
            master = random.choice(MASTERS)
            try:
                before[master.email] = self._turn(master, random, before.get(master.email, {}))
            except (ExchangeError, TimeoutError) as error:
                self.stderr.write(f"{master.name}: {error}")

    def _turn(self, master: Master, random: Random, before: Mapping[str, Quote]) -> Mapping[str, Quote]:
        strategy = Strategy.objects.filter(name=master.strategy).select_related("exchange_account").first()
        if strategy is None:
            raise CommandError("The demo is not seeded: run `python manage.py seed_demo` first.")
        account = strategy.exchange_account.open()
        quotes = loop.run(gateway.fetch_quotes(account.exchange, list(master.symbols)), CALL_SECONDS)
        free, held = free_and_held(account, master.symbols)
        move = master.style(random, quotes, before, held)
        done = trade(account, move, free_quote=free, held=held) if move else None
        if done:
            self.stdout.write(f"{master.name}: {done.side} {done.filled} {done.symbol}")
            self.stdout.flush()
        return quotes
