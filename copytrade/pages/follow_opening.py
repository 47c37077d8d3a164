"""About how much it takes to open what a master holds now, before a follower chooses so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from copytrade.pages.follow_form import FollowForm
from copytrade.pages.holdings import Holding
from execution.openings import equity_of
from ledger.models import Mark
from strategies.models import Strategy
from subscriptions.sizing import FollowerSettings, MasterFill, size_entry


@dataclass(frozen=True, slots=True)
class Opening:
    """In the strategy's quote: what it takes with this allocation."""

    cost: Decimal
    allocation: Decimal


def cost_of_opening(
    strategy: Strategy, holds: Sequence[Holding], form: FollowForm, *, now: datetime
) -> Opening | None:
    """By what the form says now; None where a price, the equity or an answer is not known."""
    try:
        follower = FollowerSettings(
            mode=str(form["sizing_mode"].value()),
            value=Decimal(str(form["sizing_value"].value())),
            allocation=Decimal(str(form["allocation"].value())),
            realised_pnl=Decimal(0),
        )
    except InvalidOperation:
        return None
    if not follower.allocation.is_finite() or not follower.value.is_finite():
        return None
    equity = equity_of(strategy, now)
    costs = [_cost(holding, follower, equity, strategy.quote, now) for holding in holds]
    known = [cost for cost in costs if cost is not None]
    if len(known) < len(costs):
        return None
    return Opening(min(sum(known, Decimal(0)), follower.allocation), follower.allocation)


def _cost(
    holding: Holding, follower: FollowerSettings, equity: Decimal | None, quote: str, now: datetime
) -> Decimal | None:
    if holding.mark is None or holding.mark.at < now - Mark.FRESH_FOR:
        return None
    price: Decimal = holding.mark.price
    fill = MasterFill(amount=holding.position.held, price=price, equity=equity, order_amount=None)
    amount = size_entry(fill, follower, bound=price, quote=quote).amount
    return None if amount is None else amount * price
