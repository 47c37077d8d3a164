"""Every log line: one JSON object with the ids of what it is about, and no secret.

A secret is hidden by its name, by how it looks, or because it is one of the platform's own, wherever that is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import structlog

HIDDEN = "[hidden]"
_SECRET_NAMES = re.compile(
    r"pass(word|wd|phrase)|secret|credential|authorization|cookie|api_?key|private_?key|signature|"
    r"\btoken\b|(access|csrf|bearer|bot|metrics)_?token|x-mbx-apikey|chat_?id|"
    # Of a person's papers.
    r"legal_?name|birth_?date|document_?(number|expires_on)",
    re.IGNORECASE,
)
_SECRET_TEXTS = re.compile(
    r"(?P<head>\b(?:Bearer|Basic)\s+|\b(?:signature|api_?key|secret|passphrase|password|token|chat_id|document_number)=|(?<=://)[^\s/:@]*:(?=[^\s/@]*@))"
    r"(?P<secret>[^\s&\"'@]+)",
    re.IGNORECASE,
)
# Our own API tokens and those of Telegram's bots, wherever they stand: the latter are part of an address.
_TOKENS = re.compile(r"\bctp_[A-Za-z0-9]{20,}|(?<!\d)\d{5,20}:[A-Za-z0-9_-]{30,80}")
# Shorter values would hide ordinary words.
_SHORTEST_SECRET = 8


class Redaction:
    """A processor, and a function for what leaves by other ways."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        values = sorted({text for text in known if len(text) >= _SHORTEST_SECRET}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, values))) if values else None

    def __call__(self, _logger: object, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        return {name: self._hide(name, value) for name, value in event.items()}

    def text(self, text: str) -> str:
        if self._known:
            text = self._known.sub(HIDDEN, text)
        text = _SECRET_TEXTS.sub(lambda found: found["head"] + HIDDEN, text)
        return _TOKENS.sub(HIDDEN, text)

    def deep(self, value: Any) -> Any:
        """The same structure without secrets."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {name: self._hide(str(name), each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.deep(each) for each in value]
        return value

    def _hide(self, name: str, value: Any) -> Any:
        if name in ("_record", "_from_structlog", "exc_info"):
            return value
        return HIDDEN if value and _SECRET_NAMES.search(name) else self.deep(value)


def passwords_of(*urls: str) -> list[str]:
    """What stands between the colon and the @ of these addresses."""
    return [password for url in urls if (password := urlsplit(url).password)]


def configuration(*, redaction: Redaction, level: str, for_people: bool) -> dict[str, Any]:
    """Configures structlog; returns what `logging` is to be configured with."""
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=False) if for_people else structlog.processors.JSONRenderer()
    )
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    structured = {
        "()": structlog.stdlib.ProcessorFormatter,
        # The last before it is written: whatever a library logs passes here too.
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, redaction, renderer],
        "foreign_pre_chain": processors,
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"structured": structured},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["console"], "level": level},
    }
