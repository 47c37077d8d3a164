"""Ask the exchanges about everything under way, and print what differs from the books."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from execution import missed_sales, tasks
from execution.differences import find_differences
from execution.drift import accounts_with_coins
from execution.models import CopyOrder
from execution.reconcile import look_up_due
from execution.states import AT_THE_VENUE


class Command(BaseCommand):
    help = "Compare orders and coins with the exchanges, adopt what they prove; exit 1 if anything differs."

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        CopyOrder.objects.filter(status__in=AT_THE_VENUE).update(look_up_at=now)
        while CopyOrder.objects.to_look_up(now=now).exists():
            tasks.enqueue_work(look_up_due(now=now))
        for side in ("sell", "buy"):
            tasks.enqueue_work(missed_sales.adopt(accounts_with_coins(), now=timezone.now(), side=side))
        count = 0
        for difference in find_differences():
            count += difference.is_of_books
            self.stdout.write(f"{difference.account}: {difference.sentence}")
        self.stdout.write(f"{count} differences")
        if count:
            sys.exit(1)
