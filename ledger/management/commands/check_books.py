"""Recount postings, positions and balances from the fills, and print the first difference."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from ledger.checking import check_books


class Command(BaseCommand):
    help = "Recount the books from the fills; exit 1 and the first difference if anything is miscounted."

    def handle(self, *args: Any, **options: Any) -> None:
        first = next(check_books(), None)
        if first:
            self.stdout.write(f"{first.object}: {first.sentence}")
            sys.exit(1)
        self.stdout.write("The books are what their fills come to.")
