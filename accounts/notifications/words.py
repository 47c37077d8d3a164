"""Phrases that mails and notices share: when, from where, what to do if it was somebody else."""

from __future__ import annotations

import unicodedata
import zoneinfo
from datetime import UTC, datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.programs import program_name
from compliance.audit import Origin
from rest.fields import INVISIBLE

# For whatever can be done with a token or in a session.
NOT_YOU: str | Promise = gettext_lazy("If this was not you, revoke your API tokens and change your password.")


def moment(at: datetime, zone: str) -> str:
    """`2026-03-01 13:00 CET (Europe/Madrid), 2026-03-01 12:00 UTC`; in UTC alone for who lives by it."""
    in_utc = f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if zone == "UTC":
        return in_utc
    return f"{at.astimezone(zoneinfo.ZoneInfo(zone)):%Y-%m-%d %H:%M %Z} ({zone}), {in_utc}"


def came_from(origin: Origin) -> str:
    """Two lines: the network address and the program, as far as they are known."""
    facts = {"ip": origin.ip or _("unknown"), "program": program_name(origin.user_agent) or _("unknown")}
    return _("From: %(ip)s\nProgram: %(program)s") % facts


def visible(text: str) -> str:
    """Without what hides, or turns the direction of reading: in its place stands U+FFFD."""
    return "".join("\ufffd" if _hides(one) else one for one in text)


def _hides(one: str) -> bool:
    return one not in "\n\t" and unicodedata.category(one) in INVISIBLE
