"""For a database that was put back without becoming another one, as a volume's snapshot is."""

from typing import Any

from django.core.management.base import BaseCommand

from execution.strangers import distrust


class Command(BaseCommand):
    help = "A snapshot of the volume was put back: have every order asked about before it is sent."

    def handle(self, *args: Any, **options: Any) -> None:
        count = distrust()
        self.stdout.write(f"{count} orders are asked about before they are sent.")
