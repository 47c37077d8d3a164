"""What an order tells its owner: its figures and its reason, worked out from its one row.

`order.exchange_account` must be at hand (select_related) for the sentences.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exchanges.rounding import EXACT, plain
from execution.models import CopyOrder
from execution.reasons import Reason
from execution.states import Status
from subscriptions.sizing import written_out

BPS = Decimal(10_000)
HUNDREDTH = Decimal("0.01")
PLACES = Decimal(1).scaleb(-18)
# Where a name is not the ccxt id with a capital.
VENUE_NAMES = {
    "paper": gettext_lazy("The paper exchange"),
    "okx": "OKX",
    "kucoin": "KuCoin",
    "gate": "Gate",
    "mexc": "MEXC",
    "htx": "HTX",
    "bitget": "Bitget",
    "binanceus": "Binance US",
}
# settling.py writes the venue's own code behind its text.
VENUE_CODE = re.compile(r"\(([^()]+)\)$")
PLACED = frozenset({Status.FILLED, Status.CANCELED, Status.PARTIALLY_FILLED})


ATTEMPT_OUTCOMES = ("submitting", "unknown", "placed", "refused", "not_placed")
_OUTCOMES: dict[str, str] = {
    Status.SUBMITTING: "submitting",
    Status.UNKNOWN: "unknown",
    Status.REJECTED: "refused",
}


class Attempt(NamedTuple):
    """One sending of an order; `code` and `text` are the venue's own where it did not take it."""

    number: int
    submitted_at: datetime | None
    answered_at: datetime | None
    outcome: str
    reason: str
    code: str
    text: str


class StatusWords(NamedTuple):
    """A status for people: the word, the name of an icon in local/icons.txt and a colour token."""

    word: str | Promise
    icon: str
    token: str


PARTLY_COPIED = StatusWords(gettext_lazy("Partly copied"), "check", "warn")
WORDS: dict[str, StatusWords] = {
    Status.PENDING: StatusWords(gettext_lazy("Waiting"), "hourglass", "info"),
    Status.SUBMITTING: StatusWords(gettext_lazy("Sending"), "arrow-up", "info"),
    Status.UNKNOWN: StatusWords(gettext_lazy("Checking"), "help-circle", "warn"),
    Status.OPEN: StatusWords(gettext_lazy("Open"), "clock", "info"),
    Status.PARTIALLY_FILLED: PARTLY_COPIED,
    Status.FILLED: StatusWords(gettext_lazy("Copied"), "check", "up"),
    Status.CANCELED: StatusWords(gettext_lazy("Not filled"), "x", "warn"),
    Status.REJECTED: StatusWords(gettext_lazy("Rejected"), "ban", "down"),
    Status.DENIED: StatusWords(gettext_lazy("Denied"), "shield", "warn"),
    Status.SKIPPED: StatusWords(gettext_lazy("Skipped"), "dots", "ink-2"),
    Status.EXPIRED: StatusWords(gettext_lazy("Expired"), "hourglass", "warn"),
}


def status_words(order: CopyOrder) -> StatusWords:
    if order.status == Status.CANCELED and order.filled_amount:
        return PARTLY_COPIED
    return WORDS[order.status]


def average_price(order: CopyOrder) -> Decimal | None:
    """In quote; None before the first fill."""
    if order.filled_amount <= 0:
        return None
    with localcontext(EXACT):
        average: Decimal = order.filled_cost / order.filled_amount
        return average.quantize(PLACES, ROUND_HALF_EVEN)


def slippage_bps(order: CopyOrder) -> Decimal | None:
    """The average price against the master's, in hundredths of a basis point; + is worse."""
    if order.filled_amount <= 0 or not order.master_price:
        return None
    with localcontext(EXACT):
        average: Decimal = order.filled_cost / order.filled_amount
        worse: Decimal = average - order.master_price if order.side == "buy" else order.master_price - average
        bps: Decimal = worse / order.master_price * BPS
        return bps.quantize(HUNDREDTH, ROUND_HALF_EVEN)


def latencies_ms(order: CopyOrder) -> dict[str, int | None]:
    """Milliseconds of each stage; None for what has not happened.

    detect: the master's fill until we knew it; size: until its request left; submit: until the exchange
    answered; fill: until its end was in the books. The same as the metrics' stages.
    """
    sent_at = order.submitted_at if order.attempt else None
    ended_at = order.finished_at if order.status in PLACED else None
    # What was found by asking was never answered: its end is all that is known.
    answered_at = order.acknowledged_at or ended_at
    return {
        "detect": _between(order.signal_at, order.detected_at),
        "size": _between(order.detected_at, sent_at),
        "submit": _between(sent_at, answered_at),
        "fill": _between(answered_at, ended_at),
    }


def attempts(order: CopyOrder) -> list[Attempt]:
    """How often it was sent and what came of it, the earliest first; of many in vain the latest ones.

    The ordinary order keeps nothing for this: its only attempt is told from its own moments.
    """
    told = [
        Attempt(**entry | {name: _moment(entry[name]) for name in ("submitted_at", "answered_at")})
        for entry in order.earlier_attempts or ()
    ]
    if order.attempt > (told[-1].number if told else 0):
        told.append(_last_attempt(order))
    return told


def _last_attempt(order: CopyOrder) -> Attempt:
    is_refused = order.status == Status.REJECTED
    code = VENUE_CODE.search(order.reason_text) if is_refused else None
    return Attempt(
        number=order.attempt,
        submitted_at=order.submitted_at,
        answered_at=order.finished_at if is_refused else order.acknowledged_at,
        outcome="placed" if order.acknowledged_at else _OUTCOMES.get(order.status, "not_placed"),
        reason=order.reason_code if is_refused else "",
        code=code[1] if code else "",
        text=order.reason_text if is_refused else "",
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _between(start: datetime | None, end: datetime | None) -> int | None:
    """Never negative: the venue's clock may run a little before ours."""
    if start is None or end is None:
        return None
    return max(0, round((end - start).total_seconds() * 1000))


def reason_code(order: CopyOrder) -> str:
    """The code of why it is as it is; empty when there is nothing to explain."""
    if order.status == Status.UNKNOWN:
        return Reason.OUTCOME_UNKNOWN
    return order.reason_code


def reason_sentence(order: CopyOrder) -> str:
    """Why the order is as it is, in words, with its numbers; empty when there is nothing to explain."""
    code = reason_code(order)
    if not code:
        return ""
    reason = Reason(code)
    if order.status == Status.DENIED and order.reason_text:
        return order.reason_text
    tell = _TOLD.get(reason)
    return (tell(order) if tell else "") or str(reason.sentence)


def sentence_of(code: str) -> str:
    """Of a code without an order."""
    return str(Reason(code).sentence)


def venue_name(exchange: str) -> str:
    return str(VENUE_NAMES.get(exchange, exchange.capitalize()))


def _below_minimum(order: CopyOrder) -> str:
    steps = [step for step in order.sizing if step.get("label") == "Below the exchange's minimum"]
    if not steps:
        return ""
    return _("Your share was %(numbers)s. We keep it and add it to the next trade.") % {
        "numbers": written_out(steps[-1], _)["detail"]
    }


def _beyond_slippage(order: CopyOrder) -> str:
    if order.price is None or order.requested_amount is None:
        return ""
    base, _slash, quote = order.symbol.partition("/")
    if not order.filled_amount:
        bound = {"price": plain(order.price), "quote": quote}
        return (
            _("Nobody sold at %(price)s %(quote)s or less, your slippage limit. Nothing was bought.") % bound
        )
    return _(
        "%(filled)s of %(requested)s %(base)s could be bought at %(price)s %(quote)s or less, "
        "your slippage limit; the rest was canceled."
    ) % {
        "filled": plain(order.filled_amount),
        "requested": plain(order.requested_amount),
        "base": base,
        "price": plain(order.price),
        "quote": quote,
    }


def _insufficient_funds(order: CopyOrder) -> str:
    base, _slash, quote = order.symbol.partition("/")
    code = VENUE_CODE.search(order.reason_text)
    return _("%(venue)s refused: not enough %(asset)s%(code)s. %(outcome)s") % {
        "venue": venue_name(order.exchange_account.exchange),
        "asset": quote if order.side == "buy" else base,
        "code": f" ({code[1]})" if code else "",
        "outcome": _nothing_happened(order),
    }


def _refused(order: CopyOrder) -> str:
    if not order.reason_text:
        return ""
    return _("%(venue)s refused: %(text)s. %(outcome)s") % {
        "venue": venue_name(order.exchange_account.exchange),
        "text": order.reason_text.rstrip("."),
        "outcome": _nothing_happened(order),
    }


def _waiting(order: CopyOrder) -> str:
    if not order.reason_text:
        return ""
    return _("%(venue)s could not take it yet: %(text)s. We try again.") % {
        "venue": venue_name(order.exchange_account.exchange),
        "text": order.reason_text.rstrip("."),
    }


def _not_in_time(order: CopyOrder) -> str:
    if order.origin != CopyOrder.Origin.OPENING:
        return ""
    return _("It could not be placed soon after you asked for it. Nothing was bought: ask again.")


def _price_unknown(order: CopyOrder) -> str:
    if order.origin != CopyOrder.Origin.OPENING:
        return ""
    return _(
        "No fresh price of it is known, so what it would cost is not either. Nothing was bought: ask again."
    )


def _nothing_happened(order: CopyOrder) -> str:
    return _("Nothing was bought.") if order.side == "buy" else _("Nothing was sold.")


_TOLD = {
    Reason.BELOW_MINIMUM: _below_minimum,
    Reason.BEYOND_SLIPPAGE: _beyond_slippage,
    Reason.INSUFFICIENT_FUNDS: _insufficient_funds,
    Reason.FILTER_REFUSED: _refused,
    Reason.VENUE_REJECTED: _refused,
    Reason.WAITING_FOR_VENUE: _waiting,
    Reason.NOT_PLACED_IN_TIME: _not_in_time,
    Reason.PRICE_UNKNOWN: _price_unknown,
}
