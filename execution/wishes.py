"""What all copies of a strategy may wish for together, kept: a signal's first order waits for no sum of them.

Only of strategies with many copies; of few the sum is quick. It is kept for a few minutes, in which copies
come and change, so it is taken twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal, localcontext

from django.db import models, transaction

from exchanges.rounding import EXACT
from records.bulk import select
from records.fields import MoneyField
from strategies.models import Strategy

MANY = 500
GOOD_FOR = timedelta(minutes=15)
MARGIN = 2


class KeptWishes(models.Model):
    """By kind of sizing what the active copies at one venue wish for, before their cash and what they block.

    In quote that is `of_spent` × what the master spent, plus `of_order` × the part of the master's order that
    is filled, plus `of_equity` × the part of the master's equity that is spent.
    """

    strategy = models.ForeignKey(Strategy, on_delete=models.CASCADE, related_name="+", db_index=False)
    exchange = models.CharField(max_length=20)
    of_spent = MoneyField()
    of_order = MoneyField()
    of_equity = MoneyField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["strategy", "exchange"], name="wishes_are_kept_once_a_venue"),
        ]


_KEEP = """
    INSERT INTO execution_keptwishes (strategy_id, exchange, of_spent, of_order, of_equity, at)
    SELECT s.strategy_id, a.exchange,
        coalesce(sum(s.sizing_value) FILTER (WHERE s.sizing_mode = 'multiplier'), 0),
        coalesce(sum(s.sizing_value) FILTER (WHERE s.sizing_mode = 'fixed_notional'), 0),
        coalesce(sum(greatest(s.allocation + s.realised_pnl, 0) * s.sizing_value)
            FILTER (WHERE s.sizing_mode = 'proportional'), 0),
        %s
    FROM subscriptions_subscription s JOIN wallets_exchangeaccount a ON a.id = s.exchange_account_id
    WHERE s.status = 'active'
    GROUP BY 1, 2 HAVING count(*) >= %s
    ON CONFLICT (strategy_id, exchange) DO UPDATE SET of_spent = excluded.of_spent,
        of_order = excluded.of_order, of_equity = excluded.of_equity, at = excluded.at
    RETURNING 1
"""


def keep(*, now: datetime) -> int:
    """Sum them up anew; of how many strategies and venues."""
    with transaction.atomic():
        kept = len(select(_KEEP, (now, MANY)))
        KeptWishes.objects.filter(at__lt=now).delete()
    return kept


def at_most(
    strategy_id: int,
    exchanges: Iterable[str],
    spent: Decimal,
    part_of_order: Decimal,
    part_of_equity: Decimal,
    *,
    now: datetime,
) -> dict[str, Decimal]:
    """By venue a sum that the wishes do not exceed; none where nothing is kept."""
    rows = select(_KEPT, (strategy_id, list(exchanges), now - GOOD_FOR))
    with localcontext(EXACT):
        return {
            exchange: MARGIN * (of_spent * spent + of_order * part_of_order + of_equity * part_of_equity)
            for exchange, of_spent, of_order, of_equity in rows
        }


_KEPT = """
    SELECT exchange, of_spent, of_order, of_equity FROM execution_keptwishes
    WHERE strategy_id = %s AND exchange = ANY(%s) AND at >= %s
"""
