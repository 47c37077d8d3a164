"""`manage.py verify_audit_chain`."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from compliance.chain import Broken
from compliance.verification import GivenHead, verify


class Command(BaseCommand):
    help = "Check the whole audit record: exit 0 and how many records, or the first that is broken."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--head",
            action="append",
            default=[],
            type=_head,
            metavar="SEQUENCE:HASH",
            help="a head from a mail or an export, which the record must still contain (may be repeated)",
        )

    def handle(self, *args: Any, head: list[GivenHead], **options: Any) -> None:
        try:
            verified = verify(head)
        except Broken as broken:
            raise CommandError(str(broken)) from broken
        self.stdout.write(f"{verified.records} records checked, {verified.unsealed} not sealed yet.")


def _head(text: str) -> GivenHead:
    try:
        return GivenHead.from_text(text)
    except ValueError as error:
        raise ArgumentTypeError("SEQUENCE:HASH, such as 1024:9f86d0…") from error
