"""What people who limit it have open already, counted under a lock so that no two claims pass together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from django.db.models import Sum

from ledger.models import Position
from risk.models import RiskLimits
from subscriptions.models import Subscription

# Person → quote → what is open in it.
Exposure = dict[int, dict[str, Decimal]]


def lock_exposure(user_ids: Iterable[int]) -> Exposure:
    """Cost of open positions and cash reserved for entries, of these people, who limit it.

    Their limits' rows are locked, after the subscriptions: claims of one person come one after the other.
    """
    limited = set(user_ids)
    exposure: Exposure = {user_id: defaultdict(Decimal) for user_id in limited}
    if not limited:
        return exposure
    list(RiskLimits.objects.select_for_update(no_key=True).filter(user_id__in=limited).order_by("pk"))
    held = Position.objects.open().filter(subscription__follower_id__in=limited)
    for user_id, quote, cost in held.values_list("subscription__follower_id", "strategy__quote").annotate(
        Sum("cost")
    ):
        exposure[user_id][quote] += cost
    reserved = Subscription.objects.live().filter(follower_id__in=limited)
    for user_id, quote, cash in reserved.values_list("follower_id", "strategy__quote").annotate(
        Sum("reserved")
    ):
        exposure[user_id][quote] += cash
    return exposure
