"""`manage.py rotate_keys`: re-encrypt under the first key of FIELD_ENCRYPTION_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from accounts.kyc import details
from wallets.resealing import reseal_all


class Command(BaseCommand):
    help = "Re-encrypt every exchange key and every identity under the first of FIELD_ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(
            f"{reseal_all() + details.reseal_all()} re-encrypted; older keys may be removed now."
        )
