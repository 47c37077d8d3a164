"""`manage.py erase_user`: remove what identifies a person, keep the record."""

from __future__ import annotations

import sys
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
        parser.add_argument("--yes", action="store_true", help="do not ask, even at a terminal")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email=options["email"].strip().lower()).first()
        if user is None:
            raise CommandError("There is no such user.")
        if sys.stdin.isatty() and not options["yes"]:
            self._ask(user)
        erasure = erase(user=user, origin=SYSTEM, now=timezone.now())
        if erasure.waits_for:
            waits_for = "; ".join(erasure.waits_for)
            raise CommandError(f"Suspended, not erased yet: {waits_for}. Run this again then.")
        self.stdout.write(f"Erased: the person is {user.public_id} from now on.\n\nRemoved:")
        for count, what in erasure.removed:
            self.stdout.write(f"  {count:>7} {what}")
        self.stdout.write("\nKept, without anything that names the person:")
        for count, what, why in erasure.kept:
            self.stdout.write(f"  {count:>7} {what}: {why}")

    def _ask(self, user: User) -> None:
        """A script is not asked; a person who may have mistyped is."""
        self.stdout.write(
            f"This suspends {user.email} at once, ends what they copy and publish, and erases who they are. "
            "It cannot be undone.\nType the address to go on: ",
            ending="",
        )
        self.stdout.flush()
        if sys.stdin.readline().strip().lower() != user.email:
            raise CommandError("Nothing was changed.")
