"""The states of an order and the moves between them. Nothing else moves an order."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    PENDING = "pending"  # to be claimed
    SUBMITTING = "submitting"  # claimed; a request may be on its way
    UNKNOWN = "unknown"  # the venue did not answer: being looked up, never resent blindly
    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"  # theirs
    DENIED = "denied"  # ours: a limit
    SKIPPED = "skipped"  # ours: a rule
    EXPIRED = "expired"  # ours: too late


FINAL = frozenset(
    {Status.FILLED, Status.CANCELED, Status.REJECTED, Status.DENIED, Status.SKIPPED, Status.EXPIRED}
)
LIVE = frozenset(Status) - FINAL
AT_THE_VENUE = frozenset({Status.SUBMITTING, Status.UNKNOWN, Status.OPEN, Status.PARTIALLY_FILLED})

_ACKNOWLEDGED = {Status.OPEN, Status.PARTIALLY_FILLED, Status.FILLED, Status.CANCELED}
_FILLED_AFTER_ALL = frozenset({Status.CANCELED, Status.FILLED})

MOVES: dict[Status, frozenset[Status]] = {
    # A venue may know after all what it twice did not find; what another database wrote is asked about first.
    Status.PENDING: frozenset(
        _ACKNOWLEDGED | {Status.SUBMITTING, Status.UNKNOWN, Status.SKIPPED, Status.DENIED, Status.EXPIRED}
    ),
    # Back to pending: the venue surely did not take it.
    Status.SUBMITTING: frozenset(
        _ACKNOWLEDGED | {Status.REJECTED, Status.UNKNOWN, Status.PENDING, Status.EXPIRED}
    ),
    Status.UNKNOWN: frozenset(_ACKNOWLEDGED | {Status.REJECTED, Status.PENDING, Status.EXPIRED}),
    Status.OPEN: frozenset({Status.PARTIALLY_FILLED, Status.FILLED, Status.CANCELED}),
    Status.PARTIALLY_FILLED: frozenset({Status.PARTIALLY_FILLED, Status.FILLED, Status.CANCELED}),
    # A fill may arrive after the cancel that it overtook.
    Status.CANCELED: frozenset({Status.CANCELED, Status.FILLED}),
    Status.FILLED: frozenset(),
    # Given up here, and the venue tells of a fill after all.
    Status.REJECTED: _FILLED_AFTER_ALL,
    Status.DENIED: _FILLED_AFTER_ALL,
    Status.SKIPPED: _FILLED_AFTER_ALL,
    Status.EXPIRED: _FILLED_AFTER_ALL,
}


def may_move(*, start: Status, end: Status) -> bool:
    return end in MOVES[start]
