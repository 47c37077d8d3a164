"""Step 3, before the claim: no more orders are claimed than their venue takes within two seconds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from exchanges import limits
from execution.models import CopyOrder
from execution.reasons import Reason

ASK_AGAIN = timedelta(seconds=1)
CLOCKS_DIFFER = timedelta(seconds=10)

# A venue, and the proxy through which it is reached ("" = this machine's own address).
Address = tuple[str, str]


def grants(wanted: Mapping[Address, int], *, is_exit: bool) -> dict[Address, int]:
    """How many of the wanted orders may leave now, by address; they count as sent. Asks Redis."""
    return {
        address: limits.allowance(*address, wanted=count, is_exit=is_exit)
        for address, count in wanted.items()
        if count
    }


def room_at(address: Address, now: datetime) -> datetime:
    """When to ask again for what was not granted."""
    return limits.blocked_until(*address) or now + ASK_AGAIN


def as_many_as_venues_take(order_ids: Sequence[int], *, now: datetime) -> list[int]:
    """The orders to claim now, exits first; the others stay pending and are due again when there is room.

    What is too late by any clock is only to be ended, which takes no room.

    Outside of any transaction: it asks Redis.
    """
    due = CopyOrder.objects.due(now=now).filter(pk__in=order_ids).order_by("pk")
    late = due.filter(expires_at__lt=now - CLOCKS_DIFFER).values_list("pk", flat=True)
    groups: defaultdict[tuple[bool, str, str], list[int]] = defaultdict(list)
    for pk, kind, exchange, proxy_url in due.exclude(pk__in=late).values_list(
        "pk", "kind", "exchange_account__exchange", "exchange_account__proxy_url"
    ):
        groups[kind != CopyOrder.Kind.EXIT, exchange, proxy_url].append(pk)
    chosen: list[int] = list(late)
    for (is_entry, exchange, proxy_url), pks in sorted(groups.items()):
        allowed = limits.allowance(exchange, proxy_url, wanted=len(pks), is_exit=not is_entry)
        chosen += pks[:allowed]
        if pks[allowed:]:
            _put_off(pks[allowed:], room_at((exchange, proxy_url), now), now)
    return chosen


def _put_off(order_ids: Sequence[int], until: datetime, now: datetime) -> None:
    CopyOrder.objects.due(now=now).filter(pk__in=order_ids).update(
        due_at=until, reason_code=Reason.WAITING_FOR_VENUE, updated_at=now
    )
