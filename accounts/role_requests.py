"""Giving and taking roles: one person asks, another one approves. Nothing else in the admin does it."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import Group
from django.db import transaction

from accounts import second_person, telling
from accounts.models import RoleRequest, User
from accounts.roles import STAFF, Role
from accounts.second_person import NotYours
from accounts.services import give_role
from compliance import audit
from compliance.audit import Origin
from compliance.models import Action, Outcome


def decide(*, request_id: int, by: User, approve: bool, origin: Origin, now: datetime) -> RoleRequest:
    """NotYours, DecidedAlready. Of two at once one decides."""
    try:
        with transaction.atomic():
            wanted = second_person.decided(
                RoleRequest, request_id=request_id, by=by, approve=approve, now=now
            )
            if approve:
                _carry_out(wanted, origin, now)
    except NotYours as own:
        _record(own.wanted, origin, Outcome.REFUSED, "own request")
        raise
    return wanted


def _carry_out(wanted: RoleRequest, origin: Origin, now: datetime) -> None:
    user, role = wanted.user, Role(wanted.role)
    if wanted.act == RoleRequest.Act.GIVE:
        give_role(user=user, role=role, origin=origin)
        telling.role_given(user, role, cause=str(wanted.public_id), now=now)
    else:
        user.groups.remove(*Group.objects.filter(name=role.value))
        _record(wanted, origin, Outcome.SUCCESS, "taken")
        telling.role_taken(user, role, cause=str(wanted.public_id), now=now)
    user.is_staff = user.groups.filter(name__in=[one.value for one in STAFF]).exists()
    user.save(update_fields=["is_staff"])


def _record(wanted: RoleRequest, origin: Origin, outcome: Outcome, what: str) -> None:
    detail = {what: wanted.role}
    subject = str(wanted.user.public_id)
    audit.record(Action.ROLE_CHANGE, origin=origin, object=subject, outcome=outcome, detail=detail)
