"""Groups of a master's clients: each is named on the invite by which the client came. They are no table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Q

from rest import codes
from rest.errors import invalid
from strategies.models import Invite, Strategy
from strategies.services import lock_strategy
from subscriptions.models import Subscription, SubscriptionQuerySet

GROUP_EXISTS = codes.declare("group_exists", "Another group of this strategy has this name.")
GROUP_EMPTY = codes.declare("group_empty", "A group has a client, or an invite that names it.")


@dataclass(frozen=True, slots=True)
class Group:
    """`slug` and `strategy` name its strategy; `willing` clients let the master change their copy."""

    slug: str
    strategy: str
    name: str
    open_invites: int
    clients: int
    willing: int


def groups_of(owner_id: int, *, now: datetime) -> list[Group]:
    """Of all of a master's strategies, by strategy and name. Two queries, however many."""
    named = Invite.objects.filter(strategy__owner=owner_id).exclude(group="")
    is_open = Q(used_at=None, revoked_at=None, expires_at__gt=now)
    rows = (
        named.values("strategy_id", "strategy__slug", "strategy__name", "group")
        .annotate(open_invites=Count("pk", filter=is_open))
        .order_by("strategy__name", "strategy_id", "group")
    )
    followed = Subscription.objects.live().filter(strategy__owner=owner_id).exclude(invite=None)
    clients, willing = Counter[tuple[int, str]](), Counter[tuple[int, str]]()
    for strategy_id, group, may_change in followed.values_list(
        "strategy_id", "invite__group", "master_may_change"
    ):
        clients[strategy_id, group] += 1
        willing[strategy_id, group] += may_change
    found = []
    for row in rows:
        key = row["strategy_id"], row["group"]
        found.append(
            Group(
                slug=row["strategy__slug"],
                strategy=row["strategy__name"],
                name=row["group"],
                open_invites=row["open_invites"],
                clients=clients[key],
                willing=willing[key],
            )
        )
    return found


def clients_of(strategy_id: int) -> SubscriptionQuerySet:
    """Who follows now by an invite."""
    invited = Subscription.objects.following(strategy_id).exclude(invite=None)
    return invited.select_related("follower", "invite").order_by("pk")


def form_group(*, strategy: Strategy, name: str, members: Iterable[Subscription], before: str = "") -> None:
    """Exactly these of the strategy's clients are the group; it was named `before`, or is new.

    400 `group_exists` on `name`, `group_empty` on `members`.
    """
    chosen = [client.invite_id for client in members if client.invite_id]
    with transaction.atomic(durable=True):
        lock_strategy(strategy.pk)
        invites = Invite.objects.filter(strategy=strategy)
        if name != before and invites.filter(group=name).exists():
            raise invalid(GROUP_EXISTS, attr="name")
        if before:
            invites.filter(group=before).update(group=name)
        following = Subscription.objects.invited_as(strategy.pk, name).values("invite")
        invites.filter(pk__in=following).exclude(pk__in=chosen).update(group="")
        invites.filter(pk__in=chosen).update(group=name)
        if not invites.filter(group=name).exists():
            raise invalid(GROUP_EMPTY, attr="members")


def dissolve_group(*, strategy: Strategy, name: str) -> None:
    """Its clients go on copying, and its invites stay as they are, without the name."""
    with transaction.atomic(durable=True):
        lock_strategy(strategy.pk)
        Invite.objects.filter(strategy=strategy, group=name).update(group="")
