"""Where the followers of signals ended: counted by the database, one outcome for each follower."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

from execution.states import LIVE

OUTCOMES = ("copied", "skipped", "denied", "rejected", "expired", "open")
# A follower may have several parts of an exit. What was canceled without a fill is `skipped`: the
# follower's own slippage limit stood against it.
_OUTCOME = """
    CASE WHEN bool_or(status = ANY(%(live)s)) THEN 'open'
         WHEN sum(filled_amount) > 0 THEN 'copied'
         WHEN (array_agg(status ORDER BY part))[1] IN ('canceled', 'filled') THEN 'skipped'
         ELSE (array_agg(status ORDER BY part))[1] END
"""
_COUNTS = f"""
    SELECT signal_id, outcome, count(*) FROM (
        SELECT signal_id, {_OUTCOME} AS outcome FROM execution_copyorder
        WHERE signal_id = ANY(%(signals)s) AND subscription_id IS NOT NULL
        GROUP BY signal_id, subscription_id
    ) followers GROUP BY signal_id, outcome
"""  # nosec B608 # noqa: S608 - made of constants
_FOLLOWERS = f"""
    SELECT s.public_id, s.follower_id, o.outcome, o.reason_code FROM (
        SELECT subscription_id, {_OUTCOME} AS outcome,
               (array_agg(reason_code ORDER BY part DESC))[1] AS reason_code
        FROM execution_copyorder WHERE signal_id = %(signal)s AND subscription_id IS NOT NULL
        GROUP BY subscription_id
    ) o JOIN subscriptions_subscription s ON s.id = o.subscription_id
    ORDER BY (s.follower_id = %(viewer)s) DESC, s.id
"""  # nosec B608 # noqa: S608 - made of constants


def outcome_counts(signal_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """By signal, how many followers came to each outcome; one query."""
    counts = {signal_id: dict.fromkeys(OUTCOMES, 0) for signal_id in signal_ids}
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, {"live": sorted(LIVE), "signals": list(signal_ids)})
        for signal_id, outcome, number in cursor.fetchall():
            counts[signal_id][outcome] += number
    return counts


def follower_outcomes(signal_id: int, *, viewer_id: int) -> list[dict[str, Any]]:
    """Each follower's outcome, the viewer's own first and named, the others without a name."""
    with connection.cursor() as cursor:
        cursor.execute(_FOLLOWERS, {"live": sorted(LIVE), "signal": signal_id, "viewer": viewer_id})
        rows = cursor.fetchall()
    return [
        {
            "subscription": str(public_id) if follower_id == viewer_id else None,
            "own": follower_id == viewer_id,
            "outcome": outcome,
            "reason": reason_code or None,
        }
        for public_id, follower_id, outcome, reason_code in rows
    ]
