"""What runs by itself: the sealing, in every worker process, whatever became of broker and beat."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime

import structlog
from celery.signals import worker_ready
from django.db import close_old_connections
from django.utils import timezone

from compliance import sealing

SEAL_SECONDS = 1.0
log = structlog.get_logger(__name__)


@worker_ready.connect
def _start_sealing(**_: object) -> None:
    threading.Thread(target=_seal_for_ever, name="sealing", daemon=True).start()


def _seal_for_ever() -> None:
    while not _attempt(sealing.seal_after_start):
        time.sleep(SEAL_SECONDS)
    while True:
        time.sleep(SEAL_SECONDS)
        _attempt(sealing.seal)


def _attempt(work: Callable[..., int]) -> bool:
    """Whether it went well; a failure is logged, and tried again."""
    try:
        now: datetime = timezone.now()
        work(now=now)
    except Exception:
        log.exception("sealing_failed")
        return False
    finally:
        close_old_connections()
    return True
