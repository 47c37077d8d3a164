"""Making, judging and spending invitations to private strategies."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction

from accounts.token_store import ALPHABET
from compliance import audit
from compliance.audit import Origin
from compliance.models import Action
from rest import codes
from rest.errors import Conflict, invalid
from strategies.invites.models import Invite, InviteState
from strategies.models import Strategy
from strategies.services import STRATEGY_CLOSED, lock_strategy

STRATEGY_NOT_PRIVATE = codes.declare(
    "strategy_not_private", "Anybody may follow this strategy; only a private one takes invites."
)
TOO_MANY_INVITES = codes.declare(
    "too_many_invites", "This strategy has 200 open invites already: revoke some that are not needed."
)
INVITE_REQUIRED = codes.declare(
    "invite_required", "This strategy is private: following it takes an invite of its master's."
)
INVITE_INVALID = codes.declare("invite_invalid", "There is no such invite for this strategy.")
INVITE_USED = codes.declare("invite_used", "This invite was used already; each lets one person in once.")
INVITE_EXPIRED = codes.declare("invite_expired", "This invite is too old: ask the master for another.")
INVITE_REVOKED = codes.declare("invite_revoked", "The master took this invite back.")
REFUSALS = {
    InviteState.USED: INVITE_USED,
    InviteState.EXPIRED: INVITE_EXPIRED,
    InviteState.REVOKED: INVITE_REVOKED,
}
START = "cti_"
RANDOM_LENGTH, PREFIX_LENGTH, MOST_CHARACTERS = 24, 10, 64
DAYS, MOST_DAYS = 14, 365
MOST_OPEN = 200


@dataclass(frozen=True, slots=True)
class Created:
    """A new invite; the only moment at which its code exists here."""

    invite: Invite
    code: str = field(repr=False)


def create_invite(
    *, strategy: Strategy, origin: Origin, now: datetime, group: str = "", days: int = DAYS
) -> Created:
    """One more code for a private strategy, which may be a draft still."""
    code = START + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    with transaction.atomic(durable=True):
        locked = lock_strategy(strategy.pk)
        if locked.status == Strategy.Status.CLOSED:
            raise Conflict(STRATEGY_CLOSED)
        if locked.visibility != Strategy.Visibility.PRIVATE:
            raise Conflict(STRATEGY_NOT_PRIVATE)
        if Invite.objects.filter(strategy=locked).open_at(now).count() >= MOST_OPEN:
            raise Conflict(TOO_MANY_INVITES)
        invite = Invite.objects.create(
            strategy=locked,
            prefix=code[:PREFIX_LENGTH],
            digest=_digest(code),
            group=group,
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        detail = {"strategy": str(locked.public_id), "prefix": invite.prefix}
        audit.record(Action.INVITE_CREATE, origin=origin, object=str(invite.public_id), detail=detail)
    return Created(invite, code)


def revoke_invite(*, invite: Invite, origin: Origin, now: datetime) -> bool:
    """Let nobody in with it any more; False if it was used or revoked already."""
    with transaction.atomic(durable=True):
        rows = Invite.objects.filter(pk=invite.pk, used_at=None, revoked_at=None)
        revoked = rows.update(revoked_at=now) == 1
        if revoked:
            audit.record(Action.INVITE_REVOKE, origin=origin, object=str(invite.public_id))
    return revoked


def find(code: str) -> Invite | None:
    """The invite of this code, whatever became of it. Whatever the text, the work is the same."""
    digest = _digest(code)
    invite = Invite.objects.select_related("strategy").filter(digest=digest).first()
    if invite is None or not hmac.compare_digest(invite.digest, digest):
        return None
    return invite


def find_open(code: str, *, now: datetime) -> Invite | None:
    """The invite of this code if it still lets somebody in."""
    invite = find(code)
    return invite if invite and invite.state_at(now) == InviteState.OPEN else None


def admit(*, strategy: Strategy, user_id: int, code: str, now: datetime) -> Invite | None:
    """The invite by which somebody may follow; None where none is needed. Raises the refusal."""
    if not code:
        if strategy.visibility == Strategy.Visibility.PRIVATE and strategy.owner_id != user_id:
            raise invalid(INVITE_REQUIRED, attr="invite")
        return None
    invite = find(code)
    if invite is None or invite.strategy_id != strategy.pk:
        raise invalid(INVITE_INVALID, attr="invite")
    _refuse_unless_open(invite, now)
    return invite


def spend(*, invite: Invite, now: datetime) -> None:
    """Use it up, in the transaction of what it is used for; who comes second is refused."""
    if Invite.objects.filter(pk=invite.pk).open_at(now).update(used_at=now) == 0:
        invite.refresh_from_db()
        _refuse_unless_open(invite, now)


def _refuse_unless_open(invite: Invite, now: datetime) -> None:
    refusal = REFUSALS.get(invite.state_at(now))
    if refusal:
        raise invalid(refusal, attr="invite")


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()
