"""For how long the files of exports are kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from execution.exports.models import ExportJob, ExportState
from execution.exports.services import FILES

KEPT_FOR = timedelta(hours=24)
# Of one person: a disk is filled by who asks over and over.
MOST_KEPT = 5
# Younger ones may be about to be named.
ORPHANED_AFTER = timedelta(hours=1)


def tidy(*, now: datetime) -> None:
    """Remove what is out of date, and files that no export names: a writer died before it could say so."""
    _expire(ExportJob.objects.filter(state=ExportState.DONE, expires_at__lte=now))
    known = set(ExportJob.objects.exclude(stored_as="").values_list("stored_as", flat=True))
    for name in FILES.orphans(known=known, before=now - ORPHANED_AFTER):
        FILES.remove(name)


def remove_older(*, owner_id: int) -> None:
    """Of a person's finished exports only the newest are kept."""
    _expire(ExportJob.objects.owned_by(owner_id).filter(state=ExportState.DONE).order_by("-pk")[MOST_KEPT:])


def _expire(jobs: Iterable[ExportJob]) -> None:
    """The file first: who is killed between the two finds the row again."""
    for job in jobs:
        FILES.remove(job.stored_as)
        ExportJob.objects.filter(pk=job.pk).update(state=ExportState.EXPIRED, stored_as="")
