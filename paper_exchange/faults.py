"""Misbehaviour on request: rules that match a request or a stream event and say what goes wrong.

Before acceptance: latency (half of `ms` also after) · hold (`seconds` or `ms`; the timestamp is judged
after it) · reset_before · maintenance · status and html with `when` "before" · reject (`code`, `msg`, or
`order_status` "REJECTED"). In matching: partial_fill (`fraction`) · expire_half. After acceptance:
reset_after · drop_after (closed without an answer) · torn (closed in the middle of the body) · cut_short
(half the JSON as a whole body) · status and html with `when` "after". Standing until taken back: halt ·
revoke · clock_skew_ms (`ms`) · lagging_look_up (orders younger than `seconds` are not found). Streams:
stream_silence · stream_delay · stream_duplicate · stream_disconnect (at once, and new ones are cut for
`seconds`).
"""

import itertools
import random
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

ENDPOINTS = ("order", "cancel", "look_up", "account", "transfers", "trades", "market", "stream", "any")
KINDS = (
    "latency", "hold", "maintenance", "status", "html", "reject", "reset_before", "reset_after", "drop_after",
    "cut_short", "torn", "partial_fill", "expire_half", "lagging_look_up", "stream_disconnect",
    "stream_silence", "stream_delay", "stream_duplicate", "halt", "revoke", "clock_skew_ms",
)  # fmt: skip
STREAM_KINDS = frozenset(kind for kind in KINDS if kind.startswith("stream_"))
ORDER_KINDS = frozenset({"reject", "partial_fill", "expire_half"})
STANDING_KINDS = frozenset({"halt", "revoke", "clock_skew_ms", "lagging_look_up"})


class BadRule(ValueError):
    """A rule that cannot be understood; the text says why."""


@dataclass(slots=True)
class Rule:
    """One fault. Empty key, symbol and side match all; `count` is how often it still strikes, None for ever.

    `ms` and `seconds` are durations (latency, hold, lagging look-up, stream delay, refused streams), `when`
    is before or after acceptance (status, html), `fraction` a decimal text (partial_fill).
    """

    id: int
    kind: str
    key: str = ""
    symbol: str = ""
    side: str = ""
    endpoint: str = "any"
    probability: float = 1.0
    count: int | None = None
    ms: int = 0
    seconds: float = 0.0
    when: str = "before"
    status: int = 0
    retry_after: int | None = None
    body: str | None = None
    code: int = -2010
    msg: str = "This action is disabled on this account."
    order_status: str = ""
    fraction: str = "0.5"

    def covers(self, key: str, symbol: str, side: str) -> bool:
        return (
            (not self.key or self.key == key)
            and (not self.symbol or self.symbol == symbol)
            and (not self.side or self.side == side)
        )


class Faults:
    """The rules in force."""

    def __init__(self, seed: int) -> None:
        self.rules: list[Rule] = []
        self._draw = random.Random(f"{seed}:faults")
        self._ids = itertools.count(1)

    def add(self, described: list[Mapping[str, Any]]) -> list[Rule]:
        """Put rules in force, all or none. Raises BadRule."""
        rules = [_rule(next(self._ids), values) for values in described]
        self.rules.extend(rules)
        return rules

    def clear(self) -> None:
        self.rules.clear()

    def remove(self, rule_id: int) -> bool:
        kept = [rule for rule in self.rules if rule.id != rule_id]
        found = len(kept) < len(self.rules)
        self.rules[:] = kept
        return found

    def strike(self, endpoint: str, key: str, symbol: str, side: str) -> list[Rule]:
        """The rules that hit this request, each used once."""
        return [
            rule
            for rule in list(self.rules)
            if rule.kind not in STREAM_KINDS
            and rule.kind not in STANDING_KINDS
            and self._applies(rule, endpoint, key, symbol, side)
        ]

    def strike_stream(self, key: str, symbol: str) -> list[Rule]:
        """The stream rules that hit this event, each used once."""
        rules = [
            rule for rule in self.rules if rule.kind in STREAM_KINDS and rule.kind != "stream_disconnect"
        ]
        return [rule for rule in rules if self._applies(rule, "stream", key, symbol, "")]

    def standing(self, kind: str, key: str = "", symbol: str = "", side: str = "") -> Rule | None:
        """A rule that describes a state of the venue and is in force for this key and symbol.

        Such a rule is not used up: it holds until it is taken back.
        """
        for rule in self.rules:
            if rule.kind == kind and rule.covers(key, symbol, side):
                return rule
        return None

    def halts(self, symbol: str) -> bool:
        """A halt is a state of the market, so it holds for every key."""
        return any(rule.kind == "halt" and rule.symbol in ("", symbol) for rule in self.rules)

    def clock_skew(self) -> int:
        return sum(rule.ms for rule in self.rules if rule.kind == "clock_skew_ms")

    def _applies(self, rule: Rule, endpoint: str, key: str, symbol: str, side: str) -> bool:
        # A fault of the matching engine says nothing about look-ups, even where the rule says "any".
        wanted = "order" if rule.kind in ORDER_KINDS else rule.endpoint
        if wanted not in ("any", endpoint) or not rule.covers(key, symbol, side):
            return False
        if rule.probability < 1 and self._draw.random() >= rule.probability:
            return False
        if rule.count is not None:
            rule.count -= 1
            if rule.count <= 0:
                self.rules.remove(rule)
        return True


def shown(rule: Rule) -> dict[str, Any]:
    return asdict(rule)


def _rule(rule_id: int, values: Mapping[str, Any]) -> Rule:
    unknown = values.keys() - Rule.__dataclass_fields__.keys() | values.keys() & {"id"}
    if unknown:
        raise BadRule(f"unknown: {', '.join(sorted(unknown))}")
    if values.get("kind") not in KINDS:
        raise BadRule(f"kind must be one of {', '.join(KINDS)}")
    if values.get("endpoint", "any") not in ENDPOINTS:
        raise BadRule(f"endpoint must be one of {', '.join(ENDPOINTS)}")
    if values.get("when", "before") not in ("before", "after"):
        raise BadRule("when must be before or after")
    for name, value in values.items():
        _check(name, value)
    return Rule(id=rule_id, **values)


def _check(name: str, value: Any) -> None:
    if name in ("ms", "status", "count", "code", "retry_after"):
        if value is not None and type(value) is not int:
            raise BadRule(f"{name} must be a whole number")
    elif name in ("seconds", "probability"):
        if type(value) not in (int, float) or not 0 <= value <= 86_400:
            raise BadRule(f"{name} must be a number from 0 to 86400")
    elif not isinstance(value, str):
        raise BadRule(f"{name} must be text")
    if name == "fraction" and re.fullmatch(r"0\.[0-9]{1,6}", value) is None:
        raise BadRule("fraction must be between 0 and 1, as 0.4")
