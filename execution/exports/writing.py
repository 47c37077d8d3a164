"""Writing the exports that wait. A writer may be killed anywhere: who is silent is followed by another.

Each attempt stores a file of its own; the row names the file of the attempt that finished, no other is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile

import structlog
from django.conf import settings
from django.core.files.base import File
from django.db import transaction
from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from execution.exports.keeping import KEPT_FOR, remove_older
from execution.exports.models import ExportJob, ExportJobQuerySet, ExportState
from execution.exports.services import FILES
from execution.trades import with_orders
from ledger.export import FORMS
from ledger.models import TradeQuerySet
from ledger.serializers import trades_of

# Rows of one query: none may hold the database's oldest snapshot for long, and after each the progress shows.
PART = 25_000
# The worker has other work to do.
AT_ONCE = 2
MOST_ATTEMPTS = 3

log = structlog.get_logger(__name__)


class _Superseded(Exception):
    """Another attempt has begun, or nobody wants it any more."""


def write_waiting() -> None:
    """One after the other, the oldest first; none while enough are being written elsewhere."""
    while job := claim(now=timezone.now()):
        write(job)


def claim(*, now: datetime) -> ExportJob | None:
    """Take up the oldest that waits or was left; what was left too often has failed."""
    with transaction.atomic():
        to_write = ExportJob.objects.to_write(now=now)
        if given_up := to_write.filter(attempt__gte=MOST_ATTEMPTS).update(
            state=ExportState.FAILED, finished_at=now
        ):
            log.error("exports_failed", count=given_up)
        if ExportJob.objects.being_written(now=now).count() >= AT_ONCE:
            return None
        job = to_write.select_for_update(skip_locked=True).order_by("pk").first()
        if job is not None:
            job.state, job.alive_at, job.rows_written = ExportState.RUNNING, now, 0
            job.attempt += 1
            job.save(update_fields=["state", "alive_at", "rows_written", "attempt"])
    return job


def write(job: ExportJob) -> None:
    """Write the file of a claimed job, and let it be downloaded."""
    with TemporaryFile(dir=_scratch_folder()) as file:
        try:
            for block in FORMS[job.format].framed(_rows(job)):
                file.write(block)
        except _Superseded:
            return
        size = file.tell()
        file.seek(0)
        name = FILES.store(File(file))
    if not _finish(job, name, size, now=timezone.now()):
        FILES.remove(name)


def _rows(job: ExportJob) -> Iterator[list[bytes]]:
    for part in _parts(trades_of(job.owner_id, job.filters).filter(pk__lte=job.up_to)):
        for rows in FORMS[job.format].rows(with_orders(part)):
            job.rows_written += len(rows)
            yield rows
        if not _own(job).update(rows_written=job.rows_written, alive_at=timezone.now()):
            raise _Superseded


def _parts(trades: TradeQuerySet) -> Iterator[TradeQuerySet]:
    """The same rows in queries of PART each, the newest first."""
    nth = Window(RowNumber(), order_by=F("pk").desc())
    oldest_of_each = trades.alias(rest=nth % PART).filter(rest=0).order_by("-pk").values_list("pk", flat=True)
    rest = trades
    for oldest in list(oldest_of_each):
        yield rest.filter(pk__gte=oldest)
        rest = trades.filter(pk__lt=oldest)
    yield rest


def _own(job: ExportJob) -> ExportJobQuerySet:
    """The job, while this attempt is the last one."""
    return ExportJob.objects.filter(pk=job.pk, state=ExportState.RUNNING, attempt=job.attempt)


def _finish(job: ExportJob, name: str, size: int, *, now: datetime) -> bool:
    is_ours = _own(job).update(
        state=ExportState.DONE,
        stored_as=name,
        size=size,
        rows_written=job.rows_written,
        rows_total=job.rows_written,
        finished_at=now,
        expires_at=now + KEPT_FOR,
    )
    if is_ours:
        remove_older(owner_id=job.owner_id)
    return bool(is_ours)


def _scratch_folder() -> Path:
    """On a disk: where containers have their /tmp it is memory."""
    folder: Path = settings.PRIVATE_FILES_DIR
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
