"""What a person is told of a correction of their books, in the caller's transaction."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.notifications.kinds import NotificationKind
from accounts.notifications.services import notify
from exchanges.rounding import plain
from ledger.models import Trade


def taken_back(trade: Trade, reversal: Trade, *, now: datetime) -> None:
    """The owner of the books that it was in: the follower, or the master of a trade of their own."""
    copy = trade.subscription
    words = {
        "side": _("purchase") if trade.side == "buy" else _("sale"),
        "amount": plain(trade.quantity),
        "symbol": trade.symbol,
        "price": plain(trade.price),
        "at": f"{trade.at:%Y-%m-%d %H:%M} UTC",
        "strategy": trade.strategy.name,
        "reason": reversal.reason,
        "result": _with_sign(reversal.realised_pnl),
        "quote": trade.symbol.partition("/")[2],
    }
    body = _(
        "The %(side)s of %(amount)s %(symbol)s at %(price)s of %(at)s should not be in the books of "
        "%(strategy)s: %(reason)s.\n\nNothing was bought or sold at the exchange. The books count as if the "
        "trade had not been; your realised result changed by %(result)s %(quote)s. The trade and its "
        "reversal both stay in your history and in the statement.\n\nIf you think that this is wrong, "
        "write to the platform's staff."
    )
    notify(
        user_ids=[copy.follower_id if copy else trade.strategy.owner_id],
        kind=NotificationKind.TRADE_REVERSED,
        title=_("A trade of %(strategy)s was taken back: %(symbol)s") % words,
        body=body % words,
        link=reverse("copy_statement", args=[copy.public_id]) if copy else reverse("trades"),
        now=now,
        dedupe=f"reversal:{reversal.public_id}",
    )


def _with_sign(amount: Decimal) -> str:
    return plain(amount) if amount <= 0 else f"+{plain(amount)}"
