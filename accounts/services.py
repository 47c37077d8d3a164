"""What changes people."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.roles import STAFF, Role
from compliance import audit
from compliance.audit import SYSTEM, Origin
from compliance.models import Action


class EmailInvalid(Exception):
    """Not an e-mail address."""


class PasswordRefused(Exception):
    """Not good enough; says why in the words that sign-up has for it."""


class EmailTaken(Exception):
    """Somebody has this e-mail address already, in whatever case."""


def create_user(*, email: str, password: str, role: Role = Role.TRADER, kyc_approved: bool = False) -> User:
    """A person who can log in at once, with a verified address.

    EmailInvalid, PasswordRefused, EmailTaken.
    """
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError as error:
        raise EmailInvalid(email) from error
    try:
        validate_password(password, User(email=address))
    except ValidationError as error:
        raise PasswordRefused(" ".join(error.messages)) from error
    status = User.KycStatus.APPROVED if kyc_approved else User.KycStatus.NOT_SUBMITTED
    try:
        with transaction.atomic():
            user = User.objects.create_user(address, password, kyc_status=status, is_staff=role in STAFF)
            EmailAddress.objects.create(user=user, email=address, verified=True, primary=True)
            give_role(user=user, role=role, origin=SYSTEM)
    except IntegrityError as error:
        if "one_user_per_email" not in str(error):
            raise
        raise EmailTaken(address) from error
    return user


def give_role(*, user: User, role: Role, origin: Origin) -> None:
    """Add the role; `origin` is who gives it."""
    group, _ = Group.objects.get_or_create(name=role.value)
    with transaction.atomic():
        if not user.groups.filter(pk=group.pk).exists():
            user.groups.add(group)
            audit.record(
                Action.ROLE_CHANGE, origin=origin, object=str(user.public_id), detail={"given": role.value}
            )


def change_preferences(
    *, user: User, time_zone: str | None = None, report_currency: str | None = None
) -> User:
    """Set what is given."""
    changes = {"time_zone": time_zone, "report_currency": report_currency}
    given = {name: value for name, value in changes.items() if value is not None}
    if given:
        User.objects.filter(pk=user.pk).update(**given)
        user.refresh_from_db(fields=list(given))
    return user
