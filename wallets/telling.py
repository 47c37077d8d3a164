"""What people are told about their addresses.

The code goes by mail alone: whoever reads the inbox in somebody's session must not find it there.
"""

from __future__ import annotations

from datetime import datetime
from smtplib import SMTPException

import structlog
from django.utils.translation import gettext as _

from accounts.notifications import letters
from accounts.notifications.kinds import NotificationKind
from accounts.notifications.letters import Letter, Said
from accounts.notifications.services import notify
from accounts.notifications.words import came_from, moment
from compliance.audit import Origin
from wallets.models import WalletAddress

log = structlog.get_logger(__name__)


def send_code(address: WalletAddress, code: str, *, minutes: int, now: datetime) -> None:
    """After the commit. A mail server that is away is no reason to fail: a new code can be asked for."""
    body = _(
        "Somebody, probably you, added a withdrawal address to your account.\n\n"
        "Network: %(network)s\nAddress: %(address)s\n\n"
        "If every character is right, confirm it with this code within %(minutes)s minutes. Until then "
        "nothing is paid to it; your sessions and API tokens go on."
    )
    facts = {
        "network": address.network_name,
        "address": address.address,
        "minutes": minutes,
    }
    said = Said(
        title=_("Confirm your withdrawal address"),
        text=body % facts,
        code=code,
        after=_("If this was not you, give the code to nobody, delete the address and change your password."),
        at=now,
    )
    letter = Letter(
        to=address.owner.email,
        said=[said],
        link=letters.address("/wallets/addresses/"),
        button=_("Confirm the address"),
        zone=address.owner.time_zone,
    )
    try:
        letter.mail().send()
    except (OSError, SMTPException) as error:
        log.warning("mail_not_sent", about="withdrawal_address", error=type(error).__name__)


def withdrawal_address_added(address: WalletAddress, *, origin: Origin, now: datetime) -> None:
    body = _(
        "%(label)s on %(network)s: %(address)s. It is not used before it is confirmed with the code that we "
        "sent you by e-mail.\n\n%(origin)s\n\n"
        "If this was not you, delete it, change your password and end the other sessions."
    )
    _tell(address, _("A withdrawal address was added"), body, origin, cause="added", now=now)


def withdrawal_address_confirmed(address: WalletAddress, *, origin: Origin, now: datetime) -> None:
    body = _(
        "%(label)s on %(network)s: %(address)s. It can be used from %(usable_from)s on.\n\n%(origin)s\n\n"
        "If this was not you, delete it before then, change your password and end the other sessions."
    )
    _tell(address, _("A withdrawal address was confirmed"), body, origin, cause="confirmed", now=now)


def _tell(
    address: WalletAddress, title: str, body: str, origin: Origin, *, cause: str, now: datetime
) -> None:
    facts = {
        "label": address.label,
        "network": address.network_name,
        "address": address.address,
        "usable_from": moment(address.usable_from, address.owner.time_zone),
        "origin": came_from(origin),
    }
    notify(
        user_ids=[address.owner_id],
        kind=NotificationKind.WITHDRAWAL_ADDRESS,
        title=title,
        body=body % facts,
        link="/wallets/addresses/",
        now=now,
        dedupe=f"{cause}:{address.public_id}",
    )
