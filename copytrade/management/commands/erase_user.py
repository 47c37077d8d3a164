"""`manage.py erase_user`: remove what identifies a person, keep the record."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import User
from compliance.audit import SYSTEM
from copytrade.erasing import erase


class Command(BaseCommand):
    help = "Suspend a person, close what they trade with, and erase them; run it again if it waits."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email=options["email"].strip().lower()).first()
        if user is None:
            raise CommandError("There is no such user.")
        waits_for = erase(user=user, origin=SYSTEM, now=timezone.now()).waits_for
        if waits_for:
            raise CommandError(f"Suspended, not erased yet: {'; '.join(waits_for)}. Run this again then.")
        self.stdout.write("Erased.")
