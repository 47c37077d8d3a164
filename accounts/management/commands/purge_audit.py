"""`manage.py purge_audit`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.audit_upkeep import purge_audit
from compliance import retention
from compliance.chain import Broken


class Command(BaseCommand):
    help = "Remove the audit records that are older than AUDIT_RETENTION_DAYS, as beat does each day."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only tell how many there are")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        now = timezone.now()
        oldest = retention.keep_from(now).isoformat(timespec="seconds")
        if dry_run:
            self.stdout.write(
                f"{retention.count_old(now=now)} records from before {oldest} would be removed."
            )
            return
        try:
            purged = purge_audit(now=now)
        except Broken as broken:
            raise CommandError(f"Nothing more is removed. {broken}") from broken
        self.stdout.write(f"{purged.records} records from before {oldest} removed.")
