"""What the platform proves to itself each night; the outcome is kept for the metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from django.core.cache import cache

from compliance.chain import Broken
from compliance.verification import verify
from execution.differences import find_differences
from ledger.checking import check_books

KEPT_SECONDS = 7 * 86_400
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Result:
    differences: int
    at: datetime


def check_audit_chain() -> int:
    """1 when a record is broken: what comes after it proves nothing more."""
    try:
        verify([])
    except Broken as broken:
        log.error("audit_chain_broken", text=str(broken))
        return 1
    return 0


def check_exchanges() -> int:
    """In how many respects the books differ from what the exchanges say."""
    count = 0
    for difference in find_differences():
        if not difference.is_of_books:
            continue
        count += 1
        log.error("books_differ", account=str(difference.account), text=str(difference.sentence))
    return count


def check_own_books() -> int:
    """In how many respects postings, positions and cash are not what the fills come to."""
    count = 0
    for miscount in check_books():
        count += 1
        log.error("books_miscounted", object=miscount.object, text=miscount.sentence)
    return count


CHECKS: dict[str, Callable[[], int]] = {
    "audit_chain": check_audit_chain,
    "exchanges": check_exchanges,
    "books": check_own_books,
}


def run(check: str, *, now: datetime) -> Result:
    result = Result(CHECKS[check](), now)
    cache.set(_key(check), [result.differences, now.timestamp()], KEPT_SECONDS)
    return result


def last_results() -> dict[str, Result]:
    """Of those that have run within a week."""
    found = {check: cache.get(_key(check)) for check in CHECKS}
    return {
        check: Result(kept[0], datetime.fromtimestamp(kept[1], UTC)) for check, kept in found.items() if kept
    }


def _key(check: str) -> str:
    return f"self_check:{check}"
