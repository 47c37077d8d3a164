"""Which strategies somebody may see: what is public, one's own, what one follows, what one is invited to."""

from __future__ import annotations

from datetime import datetime

from strategies.invites import services as invites
from strategies.models import Strategy, StrategyQuerySet
from subscriptions.models import Subscription


def readable(user_id: int | None) -> StrategyQuerySet:
    """What is public, one's own, and what one follows; who left a private one sees it no more."""
    seen = Strategy.objects.visible_to(user_id)
    if user_id is None:
        return seen
    followed = Subscription.objects.owned_by(user_id).live().values("strategy")
    return seen | Strategy.objects.filter(pk__in=followed)


def nameable(user_id: int) -> StrategyQuerySet:
    """What filters of one's own books may name: what one left stays in them."""
    followed = Subscription.objects.owned_by(user_id).values("strategy")
    return Strategy.objects.visible_to(user_id) | Strategy.objects.filter(pk__in=followed)


def readable_with(user_id: int | None, *, code: str, now: datetime) -> StrategyQuerySet:
    """The same, and what an invite is for that still lets somebody in."""
    invite = invites.find_open(code, now=now) if code else None
    if invite is None:
        return readable(user_id)
    invited = Strategy.objects.filter(pk=invite.strategy_id).exclude(status=Strategy.Status.DRAFT)
    return readable(user_id) | invited
