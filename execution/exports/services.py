"""Asking for an export, and what a person who leaves had asked for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, Model

from accounts.models import User
from compliance import audit
from compliance.audit import Origin
from compliance.models import Action
from execution.exports.models import ExportJob
from ledger.serializers import trades_of
from records.private_files import PrivateFiles
from rest import codes
from rest.errors import Conflict

MOST_UNFINISHED = 2
TOO_MANY_EXPORTS = codes.declare(
    "too_many_exports",
    "Two exports of yours are being written already. Ask again when one is finished.",
)
FILES = PrivateFiles("exports")


def ask(*, user: User, form: str, wanted: Mapping[str, Any], origin: Origin, now: datetime) -> ExportJob:
    """Have the trades of these filters (`trades_of`) written as `csv` or `json`.

    What is being written already is not written twice. Conflict above MOST_UNFINISHED.
    """
    filters = {name: _plain(value) for name, value in wanted.items()}
    with transaction.atomic():
        # One at a time asks for the same person.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        unfinished = ExportJob.objects.owned_by(user.pk).unfinished()
        same = unfinished.filter(format=form, filters=filters).first()
        if same is not None:
            return same
        if unfinished.count() >= MOST_UNFINISHED:
            raise Conflict(TOO_MANY_EXPORTS)
        ends = trades_of(user.pk, filters).aggregate(newest=Max("pk", default=0), trades=Count("pk"))
        job = ExportJob.objects.create(
            owner=user,
            format=form,
            filters=filters,
            up_to=ends["newest"],
            rows_total=ends["trades"],
            asked_at=now,
        )
        detail = {"format": form, "job": str(job.public_id)}
        audit.record(Action.EXPORT, origin=origin, object="trades", detail=detail)
    return job


def forget(*, user: User) -> int:
    """Remove a person's exports; how many. Whoever still writes one finds it gone, and keeps no file."""
    with transaction.atomic():
        jobs = ExportJob.objects.owned_by(user.pk).select_for_update()
        names = [job.stored_as for job in jobs if job.stored_as]
        count, _of_each_model = jobs.delete()
    for name in names:
        FILES.remove(name)
    return count


def _plain(value: Any) -> Any:
    if isinstance(value, Model):
        return value.pk
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
