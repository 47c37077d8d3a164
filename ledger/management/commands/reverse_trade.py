"""Take a trade back that should not be in the books."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from compliance.audit import SYSTEM
from ledger.reversals import NotReversible, reverse_trade


class Command(BaseCommand):
    help = "Reverse a trade: a counter-trade with its postings; position and cash as if it had never been."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("trade_id", type=UUID, help="as the API and the exports show it")
        parser.add_argument("--reason", required=True, help="kept in the books and in the audit record")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            reversal = reverse_trade(
                trade_id=options["trade_id"],
                reason=options["reason"],
                origin=SYSTEM,
                now=timezone.now(),
            )
        except NotReversible as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"reversed by {reversal.public_id}, result {reversal.realised_pnl.normalize():f}")
