"""`manage.py migrate`, by the role of DATABASE_OWNER_URL where there is one."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.commands import migrate

from copytrade import database_roles


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DATABASE_OWNER:
            super().handle(*args, **options)
            return
        with database_roles.as_owner() as running_role:
            super().handle(*args, **options)
            database_roles.grant_to(running_role)
            if reason := database_roles.still_powerful(running_role):
                self.stderr.write(self.style.WARNING(reason))
