"""What followers are told of their masters and orders, once for each cause; in the caller's transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts.notifications.kinds import NotificationKind
from accounts.notifications.services import notify, notify_each
from exchanges.rounding import plain
from execution.reasons import Reason
from execution.states import Status
from ledger.models import Adjustment
from records.bulk import select
from strategies.models import Strategy
from subscriptions.models import Subscription


def tell_of_silence(strategies: Iterable[Strategy], *, now: datetime) -> None:
    for strategy in strategies:
        _tell_followers(
            strategy,
            NotificationKind.MASTER_LOST,
            _("%(strategy)s: nothing is heard from the master's account") % {"strategy": strategy.name},
            _(
                "For two minutes the master's account has not answered. Nothing more is bought until it is "
                "back. What you hold stays as you chose: kept, or sold once it is sure that the master is "
                "lost.\n\nYou can change that choice, or leave the strategy."
            ),
            now,
        )


def tell_of_return(strategies: Iterable[Strategy], *, now: datetime) -> None:
    for strategy in strategies:
        _tell_followers(
            strategy,
            NotificationKind.MASTER_BACK,
            _("%(strategy)s: the master's account is back") % {"strategy": strategy.name},
            _("Purchases are copied again. What was sold in the meantime stays sold."),
            now,
        )


def tell_of_coins_left(strategy: Strategy, symbol: str, *, now: datetime) -> None:
    names = {"strategy": strategy.name, "symbol": symbol, "coin": symbol.partition("/")[0]}
    _tell_followers(
        strategy,
        NotificationKind.MASTER_MOVED_COINS,
        _("%(strategy)s: the master moved %(coin)s off the account") % names,
        _(
            "The master withdrew coins of %(symbol)s, or traded them in another pair. Nothing more of it is "
            "bought; what the master sells of it is still sold for you.\n\n"
            "You can sell what you hold of it yourself, or leave the strategy."
        )
        % names,
        now,
    )


def tell_of_coins_back(strategy: Strategy, symbol: str, *, now: datetime) -> None:
    names = {"strategy": strategy.name, "symbol": symbol}
    _tell_followers(
        strategy,
        NotificationKind.MASTER_COINS_BACK,
        _("%(strategy)s: %(symbol)s is copied again") % names,
        _("The coins of %(symbol)s that the master had moved are back on the account.") % names,
        now,
    )


def tell_of_coins_gone(taken: Sequence[Adjustment], cause: str | Promise, *, now: datetime) -> None:
    """Of one coin of one account, by which its copies were lowered. `cause`: part of a sentence."""
    if not taken:
        return
    account = taken[0].exchange_account
    coin = taken[0].asset
    words = {
        "amount": plain(sum((one.amount for one in taken), Decimal(0))),
        "coin": coin,
        "account": account.label,
        "cause": cause,
    }
    notify(
        user_ids=[account.owner_id],
        kind=NotificationKind.COINS_GONE,
        title=_("You hold %(amount)s %(coin)s less than was copied") % words,
        body=_(
            "On %(account)s the exchange holds less %(coin)s than your copies bought: %(cause)s. We lowered "
            "the copies to what is there and bought nothing.\n\n"
            "What the master sells from now on is sold of what is left. Coins that you put back are yours "
            "and belong to no copy."
        )
        % words,
        link=reverse("positions"),
        now=now,
        dedupe=f"{account.public_id}:{coin}:{now.isoformat()}",
    )


def tell_of_stop(copy: Subscription, level: str, result: Decimal, *, now: datetime) -> None:
    """`level`: which of the two was reached."""
    is_loss = level == "stop_loss"
    percent = copy.stop_loss_percent if is_loss else copy.take_profit_percent
    title = _("Stop-loss of %(strategy)s reached") if is_loss else _("Take-profit of %(strategy)s reached")
    body = _(
        "The result of this copy is %(result)s %(quote)s; your level is %(percent)s %% of the allocation "
        "(%(limit)s %(quote)s). "
        "The copy is paused and all that it holds is being sold at the market.\n\n"
        "Nothing is bought until you resume it. What was sold, and at which price, is under Orders."
    )
    words = {
        "result": plain(round(result, 2)),
        "quote": copy.strategy.quote,
        "percent": plain(percent or Decimal(0)),
        "limit": plain(round((percent or Decimal(0)) * copy.allocation / 100, 2)),
    }
    notify(
        user_ids=[copy.follower_id],
        kind=NotificationKind.STOP_REACHED,
        title=title % {"strategy": copy.strategy.name},
        body=body % words,
        link=reverse("copy", args=[copy.public_id]),
        now=now,
        dedupe=f"{copy.public_id}:{now.isoformat()}",
    )


def tell_of_refused(signal_ids: Sequence[int]) -> None:
    """Of orders of these signals that a limit or the exchange refused: once a day for strategy and reason."""
    told: dict[tuple[int, str, str, str, datetime], dict[int, str]] = defaultdict(dict)
    for follower_id, text, *cause in select(_REFUSED, (list(signal_ids),)):
        told[tuple(cause)][follower_id] = text
    for (strategy_id, name, status, code, at), texts in told.items():
        is_denied = status == Status.DENIED
        title = (
            _("Copies of %(strategy)s are denied")
            if is_denied
            else _("An exchange rejects copies of %(strategy)s")
        )
        body = _(
            "%(sentence)s\n\nThis is told once a day for each reason: further ones are under Orders, each "
            "with what was tried. %(todo)s"
        )
        todo = _("You can change your limits.") if is_denied else _("Look at the account at the exchange.")
        sentence = _sentence(code)
        notify_each(
            # Of a limit each is told the numbers: theirs, and what the order would have been.
            {user: body % {"sentence": text or sentence, "todo": todo} for user, text in texts.items()},
            kind=NotificationKind.COPIES_REFUSED,
            title=title % {"strategy": name},
            link=reverse("risk") if is_denied else reverse("orders"),
            now=at,
            dedupe=f"{strategy_id}:{code}:{at:%Y-%m-%d}",
        )


def _sentence(code: str) -> str:
    try:
        return str(Reason(code).sentence)
    except ValueError:
        return _("No reason was given.")


_REFUSED = """
    SELECT s.follower_id,
        (array_agg(CASE WHEN o.status = 'denied' THEN o.reason_text ELSE '' END ORDER BY o.id))[1],
        t.id, t.name, o.status, o.reason_code, max(max(o.updated_at)) OVER ()
    FROM execution_copyorder o
    JOIN subscriptions_subscription s ON s.id = o.subscription_id
    JOIN strategies_strategy t ON t.id = s.strategy_id
    WHERE o.signal_id = ANY(%s) AND o.status IN ('denied', 'rejected')
    GROUP BY s.follower_id, t.id, o.status, o.reason_code
"""


def _tell_followers(strategy: Strategy, kind: NotificationKind, title: str, body: str, now: datetime) -> None:
    notify(
        user_ids=Subscription.objects.following(strategy.pk).values_list("follower_id", flat=True),
        kind=kind,
        title=title,
        body=body,
        link=reverse("strategy", args=[strategy.slug]),
        now=now,
        dedupe=f"{strategy.public_id}:{now.isoformat()}:{title}",
    )
