"""What a change of copies would make of each of them, before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from copytrade.templatetags.ui import money
from exchanges.rounding import plain
from subscriptions.models import Subscription

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting of a copy, now and afterwards, in words."""

    label: str | Promise
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of one copy. None of `differences`: it is so already."""

    copy: Subscription
    differences: Sequence[Difference]
    is_left_out: bool = False


def outcome_of(copy: Subscription, changes: Values, status: str | None) -> Outcome:
    """`changes` are columns."""
    before = {name: getattr(copy, name) for name in COLUMNS}
    after = before | {name: value for name, value in changes.items() if name in COLUMNS}
    after["status"] = status or copy.status
    pairs = [(label, words(before), words(after)) for label, words in SETTINGS]
    return Outcome(copy, [Difference(*pair) for pair in pairs if pair[1] != pair[2]])


def _status(values: Values) -> str:
    return str(Subscription.Status(values["status"]).label)


def _sizing(values: Values) -> str:
    return f"{Subscription.SizingMode(values['sizing_mode']).label} {plain(values['sizing_value'])}"


def _slippage(values: Values) -> str:
    bps = values["max_slippage_bps"]
    return _("by coin") if bps is None else f"{bps} bps"


def _percent(name: str) -> Callable[[Values], str]:
    return lambda values: _("none") if values[name] is None else f"{plain(values[name])} %"


SETTINGS: Sequence[tuple[str | Promise, Callable[[Values], str]]] = [
    (gettext_lazy("Copying"), _status),
    (gettext_lazy("Allocation"), lambda values: money(values["allocation"])),
    (gettext_lazy("Size of each copy"), _sizing),
    (gettext_lazy("At most worse than the master's price"), _slippage),
    (gettext_lazy("Stop-loss"), _percent("stop_loss_percent")),
]
COLUMNS = (
    "status",
    "allocation",
    "sizing_mode",
    "sizing_value",
    "max_slippage_bps",
    "stop_loss_percent",
)
