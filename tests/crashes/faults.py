"""The venue's misbehaviour during a campaign: what shall happen to how many requests and events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

SHARE = 0.05
# A real venue's look-up may lag by moments; "not found" is believed only after longer than this.
LAG_SECONDS = 2.5

Rule = dict[str, Any]


def standing_faults(keys: Sequence[str]) -> list[Rule]:
    """All at once and for everybody, but that only every second account's look-ups lag.

    "Too many requests" comes in storms: a single one of them already stops a whole address for a second.
    """
    rules: list[Rule] = [
        # The order stands, its answer is lost: dropped, cut short as a whole body, torn, a gateway's page.
        {"kind": "drop_after", "endpoint": "order"},
        {"kind": "cut_short", "endpoint": "order", "probability": SHARE / 5},
        {"kind": "torn", "endpoint": "order", "probability": SHARE / 5},
        {"kind": "html", "endpoint": "order", "when": "after", "probability": SHARE / 5},
        {"kind": "reset_after", "endpoint": "any"},
        {"kind": "reset_before", "endpoint": "any"},
        {"kind": "status", "endpoint": "order", "status": 503, "when": "after"},
        {"kind": "status", "endpoint": "any", "status": 500, "when": "before"},
        {"kind": "partial_fill", "fraction": "0.4"},
        {"kind": "stream_duplicate"},
        # Later ones overtake it.
        {"kind": "stream_delay", "ms": 700},
    ]
    lagging = [{"kind": "lagging_look_up", "key": key, "seconds": LAG_SECONDS} for key in keys[::2]]
    return [{"probability": SHARE} | rule for rule in rules] + lagging


def storm() -> Rule:
    """For a while nearly every request is one too many."""
    return {"kind": "status", "endpoint": "any", "status": 429, "retry_after": 1, "probability": 0.9}


def cut_streams() -> Rule:
    return {"kind": "stream_disconnect", "seconds": 1}
