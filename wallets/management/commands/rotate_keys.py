"""`manage.py rotate_keys`: re-encrypt under the first key of FIELD_ENCRYPTION_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from accounts import second_factor
from accounts.kyc import details
from wallets.resealing import reseal_all


class Command(BaseCommand):
    help = "Re-encrypt exchange keys, identities and second factors under the first of FIELD_ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        changed = reseal_all() + details.reseal_all() + second_factor.reseal_all()
        self.stdout.write(f"{changed} re-encrypted; older keys may be removed now.")
