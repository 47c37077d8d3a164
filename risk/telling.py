"""What a person is told of their kill switch, in the caller's transaction."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.notifications.kinds import NotificationKind
from accounts.notifications.services import notify
from risk.models import KillSwitch


def kill_switch_set(user: User, mode: str, *, now: datetime) -> None:
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
    todo = _("If this was not you, revoke your API tokens and change your password.")
    notify(
        user_ids=[user.pk],
        kind=NotificationKind.KILL_SWITCH,
        title=title,
        body=f"{happened}\n\n{todo}",
        link="/dashboard/",
        now=now,
        dedupe=now.isoformat(),
    )
