"""The three steps of following. What was answered goes from step to step in the address, so Back keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from copytrade.pages.follow_form import FollowForm

# Never answered by an address: the tick is made on the last page, and each page has a form of its own.
NOT_CARRIED = frozenset({"confirm", "form_id"})


@dataclass(frozen=True, slots=True)
class Step:
    """One page: the questions it asks, and where it is."""

    number: int
    route: str
    title: str | Promise
    template: str
    fields: tuple[str, ...]


STEPS = (
    Step(1, "follow", _("Account"), "pages/follow/_account.html", ("invite", "account")),
    Step(
        2,
        "follow_size",
        _("Size"),
        "pages/follow/_size.html",
        ("allocation", "sizing_mode", "sizing_value"),
    ),
    Step(
        3,
        "follow_limits",
        _("Limits and confirm"),
        "pages/follow/_limits.html",
        (
            "max_slippage_bps",
            "stop_loss_percent",
            "take_profit_percent",
            "on_master_lost",
            "copy_open_positions",
            "confirm",
        ),
    ),
)


def answers(given: Mapping[str, str]) -> dict[str, str]:
    """What of it answers a question; left empty is an answer too."""
    return {
        name: given[name]
        for step in STEPS
        for name in step.fields
        if name in given and name not in NOT_CARRIED
    }


def address_of(step: Step, slug: str, given: Mapping[str, str] | None = None) -> str:
    query = urlencode(answers(given or {}))
    return reverse(step.route, args=[slug]) + (f"?{query}" if query else "")


def first_wrong(form: FollowForm, *, until: Step) -> Step | None:
    """The first page up to this one on which something is wrong."""
    return next(
        (step for step in STEPS[: until.number] if any(name in form.errors for name in step.fields)), None
    )


def carried(form: FollowForm, *, beside: Step, answered: Mapping[str, str]) -> list[tuple[str, str]]:
    """The answers of the other pages, by name; a box without a tick sends nothing.

    What a later page would suggest is no answer yet: it may depend on this one.
    """
    names = [
        name
        for step in STEPS
        if step is not beside
        for name in step.fields
        if name not in NOT_CARRIED and (step.number < beside.number or name in answered)
    ]
    values = [(name, form[name].value()) for name in names]
    return [
        (name, "on" if value is True else str(value)) for name, value in values if value not in (None, False)
    ]
