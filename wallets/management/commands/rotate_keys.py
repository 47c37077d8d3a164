"""`manage.py rotate_keys`: re-encrypt under the first key of FIELD_ENCRYPTION_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from accounts import second_factor
from accounts.kyc import details
from accounts.notifications import channels
from wallets.resealing import reseal_all


class Command(BaseCommand):
    help = "Re-encrypt exchange keys, identities, second factors and channels under the first of the keys."

    def handle(self, *args: Any, **options: Any) -> None:
        changed = reseal_all() + details.reseal_all() + second_factor.reseal_all() + channels.reseal_all()
        self.stdout.write(f"{changed} re-encrypted; older keys may be removed now.")
