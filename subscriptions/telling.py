"""What followers are told of their own copies, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import Enum

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.notifications.kinds import NotificationKind
from accounts.notifications.services import notify
from accounts.notifications.words import NOT_YOU
from exchanges.rounding import plain
from subscriptions.models import Subscription


class Why(Enum):
    """Who or what paused a copy, and what can be done about it."""

    YOU = (
        gettext_lazy("you asked for it"),
        gettext_lazy(
            "Resume whenever you want. If this was not you, revoke your API tokens and change your password."
        ),
    )
    MASTER = (
        gettext_lazy("its master paused your group"),
        gettext_lazy(
            "You can resume it yourself. On the copy's page you can take back that the master may do so."
        ),
    )
    APPROVAL = (
        gettext_lazy("your identity check was lost"),
        gettext_lazy("Buying with real money needs an approved identity: see Identity check, then resume."),
    )
    SUSPENSION = (
        gettext_lazy("your account was suspended"),
        gettext_lazy("Ask support why. Once you can log in again, resume it yourself."),
    )
    DAILY_LOSS = (
        gettext_lazy("your limit for a day's loss was reached"),
        gettext_lazy(
            "Until the day is over nothing is bought; resume it then. You can also change your limits."
        ),
    )

    def __init__(self, words: Promise, todo: Promise) -> None:
        self.words, self.todo = words, todo


def started(copy: Subscription, *, now: datetime) -> None:
    title = _("You copy %(strategy)s from now on")
    body = _(
        "%(amount)s %(quote)s of %(account)s stand behind it. What the master trades from now on is copied; "
        "what the master held before is not.\n\nYou can pause it, set limits, or leave at any time. "
        "%(not_you)s"
    )
    words = {
        "amount": plain(copy.allocation),
        "quote": copy.strategy.quote,
        "account": copy.exchange_account.label,
        "not_you": NOT_YOU,
    }
    _tell(copy, NotificationKind.SUBSCRIPTION_STARTED, title, body % words, now)


def paused(copies: Iterable[Subscription], why: Why, *, numbers: str = "", now: datetime) -> None:
    """`numbers`: what was reached, in a sentence."""
    for copy in copies:
        title = _("Copying %(strategy)s is paused: {why}").format(why=why.words)
        happened = _("Nothing is bought any more. What the master sells is still sold for you.")
        body = f"{numbers} {happened}".lstrip() + f"\n\n{why.todo}"
        link = reverse("risk") if why == Why.DAILY_LOSS else ""
        _tell(copy, NotificationKind.SUBSCRIPTION_PAUSED, title, body, now, link=link)


def resumed(copy: Subscription, *, now: datetime) -> None:
    body = _(
        "Purchases are copied again, from the master's next trade on. What was missed is not made up for."
    )
    body = f"{body}\n\n{NOT_YOU}"
    _tell(copy, NotificationKind.SUBSCRIPTION_RESUMED, _("Copying %(strategy)s goes on"), body, now)


def changed(copy: Subscription, *, by_master: bool, now: datetime) -> None:
    if by_master:
        title = _("The master of %(strategy)s changed how you copy")
        todo = _("You allowed that; you can take it back, and change everything, on the copy's page.")
    else:
        title = _("You changed how you copy %(strategy)s")
        todo = str(NOT_YOU)
    body = _("The new settings count from the master's next trade on.") + "\n\n" + todo
    _tell(copy, NotificationKind.SUBSCRIPTION_CHANGED, title, body, now)


def closed(copy: Subscription, *, now: datetime) -> None:
    if copy.on_unsubscribe == Subscription.OnUnsubscribe.CLOSE:
        kept = _("What it held was sold, but for what is too small to sell.")
    else:
        kept = _("What it held is yours and stays on your exchange account.")
    body = _("%(kept)s Realised result: %(result)s %(quote)s.\n\nIts orders and trades stay readable.")
    words = {"kept": kept, "result": plain(copy.realised_pnl), "quote": copy.strategy.quote}
    _tell(copy, NotificationKind.SUBSCRIPTION_CLOSED, _("You no longer copy %(strategy)s"), body % words, now)


def _tell(
    copy: Subscription, kind: NotificationKind, title: str, body: str, now: datetime, *, link: str = ""
) -> None:
    notify(
        user_ids=[copy.follower_id],
        kind=kind,
        title=title % {"strategy": copy.strategy.name},
        body=body,
        link=link or reverse("copy", args=[copy.public_id]),
        now=now,
        dedupe=f"{copy.public_id}:{now.isoformat()}",
    )
