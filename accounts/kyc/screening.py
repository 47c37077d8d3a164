"""Asking whether a name is on a list of sanctioned people. Another list is another function of settings."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.utils.module_loading import import_string


def is_configured() -> bool:
    return bool(settings.SANCTIONS_FILE or settings.SANCTIONS_CHECK != settings.SANCTIONS_CHECK_OF_A_FILE)


def listed_as(legal_name: str) -> list[str]:
    """The entries that a name may be; none is what everybody hopes for."""
    ask: Callable[[str], list[str]] = import_string(settings.SANCTIONS_CHECK)
    return ask(legal_name)


def names_in_file(legal_name: str) -> list[str]:
    """Entries of SANCTIONS_FILE, one name a line, all words of which occur in the name, in any order."""
    words = _words(legal_name)
    lines = Path(settings.SANCTIONS_FILE).read_text(encoding="utf-8").splitlines()
    entries = {line.strip()[:200]: _words(line) for line in lines if not line.startswith("#")}
    return [entry for entry, needed in entries.items() if needed and needed <= words]


def _words(name: str) -> set[str]:
    """Without case, accents and punctuation, so that `José-María` is found as `JOSE MARIA`."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    kept = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return set(kept.split())
