"""What one administrator asks for and another one decides."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar

from accounts.models import SecondPersonRequest, User

Wanted = TypeVar("Wanted", bound=SecondPersonRequest)


class NotYours(Exception, Generic[Wanted]):
    """Who asked, or whom it is about, does not approve it."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__(str(wanted))
        self.wanted = wanted


class DecidedAlready(Exception):
    """Somebody was faster."""


def decided(model: type[Wanted], *, request_id: int, by: User, approve: bool, now: datetime) -> Wanted:
    """The request, locked and decided, in the caller's transaction. NotYours, DecidedAlready."""
    rows = model._default_manager.select_for_update(of=("self",)).select_related("user")
    wanted: Wanted = rows.get(pk=request_id)
    if wanted.decided_at is not None:
        raise DecidedAlready
    if approve and by.pk in (wanted.requested_by_id, wanted.user_id):
        raise NotYours(wanted)
    wanted.decided_by, wanted.decided_at, wanted.is_approved = by, now, approve
    wanted.save(update_fields=["decided_by", "decided_at", "is_approved"])
    return wanted
