"""Which browser or program an HTTP request came from, as a person would say it."""

from __future__ import annotations

from functools import lru_cache

from django.utils.translation import gettext as _
from ua_parser import parse

# Of a program that nobody knows.
SHOWN = 60


_parsed = lru_cache(maxsize=1024)(parse)


def program_name(user_agent: str) -> str:
    """`Firefox 130 on Windows` of a `User-Agent`; the beginning of it where it is no known program's."""
    known = _parsed(user_agent)
    if known.user_agent is None:
        return user_agent[:SHOWN]
    name = " ".join(filter(None, (known.user_agent.family, known.user_agent.major)))
    if known.os is None:
        return name
    return _("%(program)s on %(system)s") % {"program": name, "system": known.os.family}
