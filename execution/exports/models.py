"""Exports that are too large to wait for: asked for, written by a worker, downloaded within a day."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from records.fields import PublicIdModel

# Whoever writes gives a sign of life with each part; longer than a part or the storing of a file may take.
SILENT_AFTER = timedelta(minutes=2)


class ExportState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Being written")
    DONE = "done", _("Ready")
    FAILED = "failed", _("Failed")
    EXPIRED = "expired", _("Removed")


UNFINISHED = ("waiting", "running")


class ExportJobQuerySet(models.QuerySet["ExportJob"]):
    def owned_by(self, user_id: int) -> ExportJobQuerySet:
        return self.filter(owner_id=user_id)

    def unfinished(self) -> ExportJobQuerySet:
        return self.filter(state__in=UNFINISHED)

    def being_written(self, *, now: datetime) -> ExportJobQuerySet:
        return self.filter(state="running", alive_at__gte=now - SILENT_AFTER)

    def to_write(self, *, now: datetime) -> ExportJobQuerySet:
        """Those that wait, and those whose writer is silent."""
        silent = Q(state="running", alive_at__lt=now - SILENT_AFTER)
        return self.filter(Q(state="waiting") | silent)

    def of_interest(self, *, now: datetime) -> ExportJobQuerySet:
        """What is being written or can be downloaded, the newest first."""
        open_ = Q(state__in=UNFINISHED) | Q(state="done", expires_at__gt=now)
        return self.filter(open_).order_by("-pk")


class ExportJob(PublicIdModel):
    """One person's trades under some filters as a file, up to the trade that was the newest when they asked.

    Each time that a worker takes it up is an attempt; only the last one may write to this row.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    format = models.CharField(max_length=4, choices=[("csv", "CSV"), ("json", "JSON")])
    filters = models.JSONField(help_text="As the list of trades takes them; objects by their keys.")
    up_to = models.BigIntegerField(help_text="The newest trade's key.")
    state = models.CharField(max_length=8, choices=ExportState.choices, default=ExportState.WAITING)
    attempt = models.PositiveSmallIntegerField(default=0)
    rows_total = models.PositiveBigIntegerField()
    rows_written = models.PositiveBigIntegerField(default=0)
    stored_as = models.CharField(max_length=80, blank=True)
    size = models.PositiveBigIntegerField(default=0, help_text="In bytes.")
    asked_at = models.DateTimeField(default=timezone.now)
    alive_at = models.DateTimeField(null=True, help_text="The last sign of life of who writes it.")
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    objects = ExportJobQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "format", "filters"],
                condition=Q(state__in=UNFINISHED),
                name="an_export_is_written_once_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(state__in=ExportState.values), name="an_export_is_in_one_of_its_states"
            ),
            models.CheckConstraint(
                condition=~Q(state="running") | Q(alive_at__isnull=False, attempt__gt=0),
                name="a_running_export_gave_a_sign_of_life",
            ),
            models.CheckConstraint(
                condition=(
                    Q(state="done", rows_written=F("rows_total"), expires_at__isnull=False) & ~Q(stored_as="")
                )
                | (~Q(state="done") & Q(stored_as="")),
                name="a_finished_export_has_its_file_and_no_other",
            ),
            models.CheckConstraint(
                condition=Q(finished_at=None, state__in=UNFINISHED)
                | (Q(finished_at__isnull=False) & ~Q(state__in=UNFINISHED)),
                name="an_export_that_ended_has_its_date",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-id"], name="exports_of_a_person"),
            models.Index(fields=["id"], condition=Q(state__in=UNFINISHED), name="exports_to_write"),
            models.Index(fields=["expires_at"], condition=Q(state="done"), name="exports_to_remove"),
        ]

    @property
    def is_unfinished(self) -> bool:
        return self.state in UNFINISHED

    def is_downloadable(self, *, now: datetime) -> bool:
        return self.expires_at is not None and self.state == ExportState.DONE and now < self.expires_at

    @property
    def file_name(self) -> str:
        """What a browser saves it as."""
        return f"trades.{self.format}"
