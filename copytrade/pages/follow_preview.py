"""What copying would have done, as the follow page tells it for the answers in its form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import APIException

from accounts.models import User
from copytrade.pages.follow_form import FollowForm
from execution.explain import sentence_of
from execution.preview import DAYS, MOST_TRADES, Preview, preview_subscription, shows_trades_to
from execution.reasons import Cut, Reason
from execution.replay import ReplayedOrder
from ledger.fees import share_of
from strategies.models import Strategy

ORDERS_SHOWN = 20
# How the sentence goes on after the number.
WORDS: Mapping[str, str | Promise] = {
    Reason.BELOW_MINIMUM: gettext_lazy("below the exchange's minimum"),
    Reason.ALLOCATION_USED: gettext_lazy("with the money used up"),
    Reason.BEYOND_SLIPPAGE: gettext_lazy("too much slippage"),
    Reason.MASTER_EQUITY_UNKNOWN: gettext_lazy("without a known share of the master's"),
    Reason.NOTHING_TO_SELL: gettext_lazy("sales of what you would not have held"),
    Reason.SIGNAL_TOO_OLD: gettext_lazy("seen too late"),
    Reason.SYMBOL_NOT_LISTED: gettext_lazy("in coins that your exchange does not trade"),
    Reason.SYMBOL_DROPPED: gettext_lazy("in coins that are no longer offered"),
    Reason.SYMBOLS_BLOCKED: gettext_lazy("in coins that your limits do not allow"),
    Reason.MAX_ORDER_NOTIONAL: gettext_lazy("above your limit for one order"),
    Reason.MAX_OPEN_NOTIONAL: gettext_lazy("above your limit for all that is open"),
    Reason.MAX_DAILY_LOSS: gettext_lazy("after your limit for a day's loss"),
    Reason.MAX_OPEN_POSITIONS: gettext_lazy("above your number of positions"),
    Reason.MAX_ORDERS_PER_DAY: gettext_lazy("above your number of orders in a day"),
    Reason.SYMBOLS_ALLOWED: gettext_lazy("in coins that your limits do not allow"),
    Reason.PRICE_UNKNOWN: gettext_lazy("that your limits could not be checked for"),
    Reason.KILL_SWITCH: gettext_lazy("stopped by your kill switch"),
}


@dataclass(frozen=True, slots=True)
class Skipped:
    """How many trades were not copied, in the words after the number, and why in a sentence."""

    count: int
    word: str
    sentence: str


@dataclass(frozen=True, slots=True)
class FeeExample:
    """What the fee would be of a gain on one's own allocation; `is_made_up`: the gain is a tenth of it."""

    gain: Decimal
    fee: Decimal
    is_made_up: bool

    @property
    def kept(self) -> Decimal:
        return self.gain - self.fee


@dataclass(frozen=True, slots=True)
class ShownPreview:
    """Either `preview`, or why there is none: `obstacle`, or what is wrong in the form."""

    days: int = DAYS
    most_trades: int = MOST_TRADES
    preview: Preview | None = None
    obstacle: str = ""
    example: FeeExample | None = None
    errors: tuple[str, ...] = ()

    @property
    def skipped(self) -> list[Skipped]:
        counts = self.preview.replay.skipped if self.preview else {}
        return [
            Skipped(count, str(WORDS.get(code) or _("not copied")), sentence_of(code))
            for code, count in counts.items()
        ]

    @property
    def cut(self) -> list[tuple[str, int]]:
        counts = self.preview.replay.cut if self.preview else {}
        return [(str(Cut(code).sentence), count) for code, count in counts.items()]

    @property
    def last_orders(self) -> list[ReplayedOrder]:
        """Newest first."""
        orders = self.preview.replay.orders if self.preview else ()
        return list(reversed(orders[-ORDERS_SHOWN:]))


def preview_for(form: FollowForm, *, strategy: Strategy, follower: User, now: datetime) -> ShownPreview:
    if not form.is_valid():
        return ShownPreview() if _is_only_unanswered(form) else ShownPreview(errors=_errors_of(form))
    shown = _preview_for(form, strategy=strategy, follower=follower, now=now)
    result = shown.preview.replay.pnl if shown.preview else Decimal(0)
    allocation = form.cleaned_data["allocation"]
    return replace(shown, example=fee_example(strategy, follower, allocation=allocation, result=result))


def fee_example(
    strategy: Strategy, follower: User, *, allocation: Decimal, result: Decimal
) -> FeeExample | None:
    """By the result of the preview if it is a gain, else by a gain of ten per cent; None without a fee."""
    percent = strategy.performance_fee_percent
    if percent == 0 or strategy.owner_id == follower.pk:
        return None
    gain = result if result > 0 else allocation / 10
    share = share_of(gain, mark=Decimal(0), percent=percent)
    return FeeExample(gain, share.fee, is_made_up=result <= 0)


def _preview_for(form: FollowForm, *, strategy: Strategy, follower: User, now: datetime) -> ShownPreview:
    if not shows_trades_to(strategy, follower.pk):
        return ShownPreview(obstacle=_("The master does not show past trades, so nothing can be worked out."))
    account = form.chosen_account()
    try:
        preview = preview_subscription(
            follower=follower,
            strategy=strategy,
            exchange=account.exchange if account else "paper",
            allocation=form.cleaned_data["allocation"],
            terms=form.terms(),
            days=DAYS,
            now=now,
        )
    except APIException as refusal:
        return ShownPreview(obstacle=str(refusal.detail))
    return ShownPreview(preview=preview)


def _is_only_unanswered(form: FollowForm) -> bool:
    """Nothing is wrong yet: the questions that are left come with a later step."""
    return all(error.code == "required" for errors in form.errors.as_data().values() for error in errors)


def _errors_of(form: FollowForm) -> tuple[str, ...]:
    """Each with the name of its field."""
    return tuple(
        f"{form.fields[name].label}: {message}" if name in form.fields else str(message)
        for name, messages in form.errors.items()
        for message in messages
    )
