"""One change for several copies: for all of them or, if one refuses it, for none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from rest_framework.exceptions import APIException, ValidationError

from accounts.models import User
from compliance.audit import Origin
from rest import codes
from rest.errors import invalid
from strategies.models import Strategy
from subscriptions.models import Subscription, SubscriptionQuerySet
from subscriptions.services import apply, check_blocked, free_for, lock_to_change
from wallets.models import ExchangeAccount

NOBODY_IN_GROUP = codes.declare(
    "nobody_in_group", "Nobody who follows now came in with an invite of this group and lets you change it."
)

# Where the body has them.
BLOCKED = "changes.symbols_blocked"
# By the place in the list.
Refusals = dict[str, Any]


def change_own(
    *,
    subscriptions: Sequence[Subscription],
    changes: Mapping[str, Any],
    status: str | None,
    origin: Origin,
    now: datetime,
) -> dict[int, bool]:
    """By id whether anything was changed. All are their caller's own."""
    check_blocked(subscriptions, changes, user_id=subscriptions[0].follower_id, attr=BLOCKED)
    free: dict[int, Decimal | None] = {}
    refusals: Refusals = {}
    for place, row in enumerate(subscriptions):
        try:
            free[row.pk] = free_for(row, changes, origin, now)
        except ValidationError as refusal:
            refusals[str(place)] = _details(refusal)
    if refusals:
        raise ValidationError({"subscriptions": refusals})
    with transaction.atomic(durable=True):
        return _change([row.pk for row in subscriptions], changes, status, free, by=None, now=now)


def change_clients(
    *,
    strategy: Strategy,
    group: str,
    changes: Mapping[str, Any],
    status: str | None,
    master: User,
    now: datetime,
) -> tuple[dict[int, bool], int]:
    """The same for those of a group who let their master do so, and how many do not."""
    members = members_of(strategy.pk, group)
    check_blocked(members.select_related("strategy"), changes, user_id=master.pk, attr=BLOCKED)
    with transaction.atomic(durable=True):
        # First of all, so that what a follower does meanwhile counts.
        locked = members.select_for_update(of=("self",), no_key=True).order_by("pk")
        everybody = list(locked.values_list("pk", flat=True))
        rows = Subscription.objects.filter(pk__in=everybody).order_by("pk")
        allowed = list(willing(rows, status=status, master=master).values_list("pk", flat=True))
        if not allowed:
            raise invalid(NOBODY_IN_GROUP, attr="group")
        others = len(everybody) - len(allowed)
        return _change(allowed, changes, status, {}, by=master, now=now), others


def members_of(strategy_id: int, group: str) -> SubscriptionQuerySet:
    """Those of a master's group whose copies can be changed."""
    return Subscription.objects.invited_as(strategy_id, group).exclude(status=Subscription.Status.CLOSING)


def willing(rows: SubscriptionQuerySet, *, status: str | None, master: User) -> SubscriptionQuerySet:
    """Those of whom the master may make such a change.

    Nobody lets a master resume what others have paused: its follower, a limit, the platform.
    """
    rows = rows.filter(master_may_change=True)
    if status == Subscription.Status.ACTIVE:
        rows = rows.exclude(pk__in=Subscription.objects.paused_by_others_than(master.pk).values("pk"))
    return rows


def _change(
    subscription_ids: Sequence[int],
    changes: Mapping[str, Any],
    status: str | None,
    free: Mapping[int, Decimal | None],
    *,
    by: User | None,
    now: datetime,
) -> dict[int, bool]:
    """Every refusal is told, at its place in the list. `by` None: each one's follower."""
    changed = {}
    refusals: Refusals = {}
    places = {key: place for place, key in enumerate(subscription_ids)}
    locked: dict[int, Subscription] = {}
    for key in sorted(places):
        try:
            locked[key] = lock_to_change(key)
        except APIException as refusal:
            refusals[str(places[key])] = _details(refusal)
    _lock_accounts(locked.values())
    for key, row in locked.items():
        by_id = by.pk if by else row.follower_id
        try:
            changed[key] = apply(
                row, changes=changes, status=status, free=free.get(key), by_id=by_id, now=now
            )
        except APIException as refusal:
            refusals[str(places[key])] = _details(refusal)
    if refusals:
        raise ValidationError({"subscriptions": refusals})
    return changed


def _lock_accounts(rows: Iterable[Subscription]) -> None:
    """By id, as two groups may meet on their accounts."""
    keys = {row.exchange_account_id for row in rows}
    list(ExchangeAccount.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk"))


def _details(refusal: APIException) -> list[Any]:
    detail: Any = refusal.detail
    while isinstance(detail, dict):
        detail = next(iter(detail.values()))
    return detail if isinstance(detail, list) else [detail]
