"""Thin coins: all copies of a signal together buy at most a part of what a venue trades of the coin in a day.

What is above that is cut for all alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal, localcontext

from django.conf import settings
from django.utils.translation import gettext_noop

from exchanges.rounding import EXACT, plain
from execution import wishes
from records.bulk import select
from strategies.models import Signal
from subscriptions.sizing import BPS, PLACES, Sized, Step

# It changes slowly, and is read every ten minutes.
VOLUME_IS_GOOD_FOR = timedelta(hours=1)
SHARE = Decimal("0.000001")
ZERO = Decimal(0)

_VOLUMES = """
    SELECT exchange, quote_volume_24h FROM ledger_mark
    WHERE symbol = %s AND at >= %s AND quote_volume_24h IS NOT NULL
"""
# What `subscriptions.sizing` gives each, in quote, and no more than the copy has: in one statement, as the
# first order waits for it.
_WISHES = """
    SELECT a.exchange, sum(least(greatest(s.cash - s.reserved, 0), CASE s.sizing_mode
        WHEN 'multiplier' THEN %s * s.sizing_value
        WHEN 'fixed_notional' THEN %s * s.sizing_value
        ELSE %s * greatest(s.allocation + s.realised_pnl, 0) * s.sizing_value
    END))
    FROM subscriptions_subscription s
    JOIN wallets_exchangeaccount a ON a.id = s.exchange_account_id
    WHERE s.strategy_id = %s AND s.status = 'active' AND s.starts_after_number < %s
        AND NOT s.symbols_blocked @> ARRAY[%s]::varchar[] AND a.exchange = ANY(%s)
    GROUP BY 1
"""


def shares_of(signal: Signal, *, now: datetime) -> dict[str, str]:
    """By venue what part of each wish may be copied, where that is not all of it.

    A volume that is not known cuts nothing. Where even all that was kept of wishes is within it, nobody's is
    summed up.
    """
    volumes = [] if signal.is_exit else select(_VOLUMES, (signal.symbol, now - VOLUME_IS_GOOD_FOR))
    if not volumes:
        return {}
    with localcontext(EXACT):
        most = {exchange: volume * settings.MAX_BPS_OF_DAY_VOLUME / BPS for exchange, volume in volumes}
        facts = _facts(signal)
        bounds = wishes.at_most(signal.strategy_id, most, *facts, now=now)
        unsure = [
            exchange for exchange in most if exchange not in bounds or bounds[exchange] > most[exchange]
        ]
        if not unsure:
            return {}
        wished = select(_WISHES, (*facts, signal.strategy_id, signal.number, signal.symbol, unsure))
        return {
            exchange: plain((most[exchange] / wish).quantize(SHARE, ROUND_DOWN))
            for exchange, wish in wished
            if wish > most[exchange]
        }


def _facts(signal: Signal) -> tuple[Decimal, Decimal, Decimal]:
    """What the master spent, and what part of the order and of the equity that is."""
    spent = signal.amount * (signal.price or ZERO)
    whole = max(signal.order_amount or signal.amount, signal.amount)
    equity = signal.master_equity
    share = min(spent / equity, Decimal(1)) if equity and equity > 0 else ZERO
    spent, part, share = (
        number.quantize(PLACES, ROUND_DOWN) for number in (spent, signal.amount / whole, share)
    )
    return spent, part, share


def cut(sized: Sized, shares: Mapping[str, str], exchange: str) -> Sized:
    """This follower's wish, as much smaller as everybody's at this venue."""
    share = shares.get(exchange)
    if share is None or sized.amount is None:
        return sized
    amount = EXACT.multiply(sized.amount, Decimal(share)).quantize(PLACES, ROUND_DOWN, EXACT)
    percent = plain(Decimal(settings.MAX_BPS_OF_DAY_VOLUME) / 100)
    step = Step(
        gettext_noop("Thin coin"),
        gettext_noop("all copies together buy at most {0} % of what is traded in 24 hours"),
        plain(amount.quantize(Decimal("1e-8"), ROUND_DOWN)),
        cut="thin_coin",
        values=(percent,),
    )
    return Sized(amount, (*sized.steps, step))
