"""Watch the masters' accounts. Any number of these processes share them."""

from __future__ import annotations

import os
import signal
import socket
import threading
from typing import Any

from django.core.management.base import BaseCommand

from execution import tasks
from execution.leases import RENEW_SECONDS, Watcher


class Command(BaseCommand):
    help = "Watch the masters' accounts and turn their fills into signals."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        watcher = Watcher(f"{socket.gethostname()}:{os.getpid()}", on_signal=tasks.enqueue_fan_out)
        self.stdout.write("watching masters", ending="\n")
        self.stdout.flush()
        while not stop.is_set():
            watcher.share()
            stop.wait(RENEW_SECONDS)
        watcher.stop()
