"""Taking a lost second factor away, so that its owner can log in and set up another."""

from __future__ import annotations

from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db import transaction

from accounts import consequences, second_person, telling
from accounts.consequences import Event
from accounts.models import FactorReset, User
from accounts.second_person import NotYours
from compliance import audit
from compliance.audit import Origin
from compliance.models import Action, Outcome


def decide(*, request_id: int, by: User, approve: bool, origin: Origin, now: datetime) -> FactorReset:
    """NotYours, DecidedAlready. Approved, no factor is left, every session ends, no token works."""
    try:
        with transaction.atomic():
            wanted = second_person.decided(
                FactorReset, request_id=request_id, by=by, approve=approve, now=now
            )
            if approve:
                _carry_out(wanted, origin, now)
    except NotYours as own:
        _record(own.wanted, origin, Outcome.REFUSED, {"code": "own request"})
        raise
    return wanted


def _carry_out(wanted: FactorReset, origin: Origin, now: datetime) -> None:
    factors = Authenticator.objects.filter(user=wanted.user)
    removed = sorted(factors.values_list("type", flat=True))
    # Recovery codes too: whoever found them must not get in with what was lost.
    factors.delete()
    _record(wanted, origin, Outcome.SUCCESS, {"removed": removed})
    consequences.follow_up(Event.MFA_RESET, user=wanted.user, origin=origin, now=now)
    telling.factor_reset(wanted.user, cause=str(wanted.public_id), now=now)


def _record(wanted: FactorReset, origin: Origin, outcome: Outcome, detail: dict[str, object]) -> None:
    subject = str(wanted.user.public_id)
    audit.record(Action.SECOND_FACTOR_RESET, origin=origin, object=subject, outcome=outcome, detail=detail)
