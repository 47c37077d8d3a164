"""What a person is told of their kill switch, in the caller's transaction."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.notifications.kinds import NotificationKind
from accounts.notifications.services import notify
from accounts.notifications.words import NOT_YOU, came_from
from compliance.audit import Origin
from risk.models import KillSwitch
from subscriptions.models import Subscription


def kill_switch_set(user: User, mode: str, *, origin: Origin, now: datetime) -> None:
    title, happened = {
        KillSwitch.OFF: (
            _("Your kill switch is off: copying goes on"),
            _("Purchases are copied again, from the next trade of each master on."),
        ),
        KillSwitch.CLOSE_ONLY: (
            _("Your kill switch is on: nothing more is bought"),
            _("No new purchase leaves for any of your copies. What masters sell is still sold for you."),
        ),
        KillSwitch.FREEZE: (
            _("Your kill switch is on: nothing is bought or sold"),
            _("No new order leaves for any of your copies, sales included."),
        ),
    }[KillSwitch(mode)]
    _tell(user.pk, title, happened, origin, now=now, dedupe=now.isoformat())


def kill_switch_of_copy_set(copy: Subscription, mode: str, *, origin: Origin, now: datetime) -> None:
    title, happened = {
        KillSwitch.OFF: (
            _("The kill switch of %(strategy)s is off: copying goes on"),
            _("Purchases are copied again, from the master's next trade on."),
        ),
        KillSwitch.CLOSE_ONLY: (
            _("The kill switch of %(strategy)s is on: nothing more is bought"),
            _("No new purchase leaves for this copy. What the master sells is still sold for you."),
        ),
        KillSwitch.FREEZE: (
            _("The kill switch of %(strategy)s is on: nothing is bought or sold"),
            _("No new order leaves for this copy, sales included."),
        ),
    }[KillSwitch(mode)]
    names = {"strategy": copy.strategy.name}
    key = f"{copy.public_id}:{now.isoformat()}"
    _tell(copy.follower_id, title % names, happened, origin, now=now, dedupe=key)


def _tell(user_id: int, title: str, happened: str, origin: Origin, *, now: datetime, dedupe: str) -> None:
    notify(
        user_ids=[user_id],
        kind=NotificationKind.KILL_SWITCH,
        title=title,
        body=f"{happened}\n\n{came_from(origin)}\n\n{NOT_YOU}",
        link=reverse("risk"),
        now=now,
        dedupe=dedupe,
    )
