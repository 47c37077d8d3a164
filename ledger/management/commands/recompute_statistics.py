"""Work out every strategy's figures anew from the books."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from ledger.statistics import recompute_all


class Command(BaseCommand):
    help = "Work out the figures of all strategies anew from fills, transfers and kept prices."

    def handle(self, *args: Any, **options: Any) -> None:
        count = recompute_all(now=timezone.now())
        self.stdout.write(f"{count} strategies recomputed")
