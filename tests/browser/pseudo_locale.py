"""A language of longer strings for tests: whatever can be translated comes back longer, and in ⟦brackets⟧.

It is a gettext translation like any other, but made as messages are asked for, so it never lags behind them.
"""

from __future__ import annotations

import re

from django.utils.translation.trans_real import CONTEXT_SEPARATOR, DjangoTranslation

# What a translator must leave as it is: numbers' places, tags and entities.
FIXED = re.compile(r"(%\(\w+\)[-#0 +.\d]*[a-zA-Z]|%[a-zA-Z%]|\{\w*\}|<[^<>]+>|&\w+;)")
LONGER = str.maketrans(
    {vowel: accented * 2 for vowel, accented in zip("aeiouAEIOU", "áéíóúÁÉÍÓÚ", strict=True)}
)


class PseudoLocale(DjangoTranslation):
    """English with each vowel doubled: a third longer, as German and Finnish are."""

    def gettext(self, message: str) -> str:
        return stretched(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return stretched(msgid1 if n == 1 else msgid2)


def stretched(message: str) -> str:
    text = message.rpartition(CONTEXT_SEPARATOR)[2]
    parts = FIXED.split(text)
    parts[::2] = [part.translate(LONGER) for part in parts[::2]]
    return f"⟦{''.join(parts)}⟧"
