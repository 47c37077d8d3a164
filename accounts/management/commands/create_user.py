"""`manage.py create_user`: a verified person, for operators and scripts."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.roles import Role
from accounts.services import EmailInvalid, EmailTaken, PasswordRefused, create_user


class Command(BaseCommand):
    help = "Create a user with a verified e-mail address."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--password", required=True)
        parser.add_argument("--role", choices=Role.values, default=Role.TRADER.value)
        parser.add_argument("--kyc-approved", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            user = create_user(
                email=options["email"],
                password=options["password"],
                role=Role(options["role"]),
                kyc_approved=options["kyc_approved"],
            )
        except EmailTaken as error:
            raise CommandError(f"There is already a user {error}.") from error
        except EmailInvalid as error:
            raise CommandError(f"{error} is not an e-mail address.") from error
        except PasswordRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Created {user.email} ({options['role']}).")
