"""A copy order as lists show it: outcome, reason, price against the master's, and time taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from copytrade.pages.outcomes import OUTCOMES, outcome_key
from execution import explain
from execution.models import CopyOrder, CopyOrderQuerySet

ORIGINS: dict[str, str | Promise] = {
    CopyOrder.Origin.SIGNAL: _("A trade of the master's"),
    CopyOrder.Origin.OPENING: _("You asked to open what the master held"),
    CopyOrder.Origin.CLOSING: _("You left and chose to sell"),
    CopyOrder.Origin.STOP: _("Your stop-loss or take-profit was reached"),
    CopyOrder.Origin.REPAIR: _("A repair of what the books and the exchange told apart"),
    CopyOrder.Origin.MASTER: _("Your own signal"),
}
ENDINGS = {outcome.key: outcome.word for outcome in OUTCOMES}


@dataclass(frozen=True, slots=True)
class OrderRow:
    order: CopyOrder
    words: explain.StatusWords
    ending_word: str | Promise
    sentence: str
    average_price: Decimal | None
    slippage: Decimal | None
    latency: int | None

    @property
    def amount(self) -> Decimal | None:
        """What was done, or what was to be done."""
        amount: Decimal | None = self.order.filled_amount or self.order.requested_amount
        return amount

    @property
    def origin(self) -> str | Promise:
        return ORIGINS[self.order.origin]

    @property
    def kind_of_reason(self) -> str:
        """The reason without any numbers: what others may know."""
        return explain.reason_code(self.order).replace("_", " ")


def order_row(order: CopyOrder) -> OrderRow:
    return OrderRow(
        order=order,
        words=explain.status_words(order),
        ending_word=ENDINGS[outcome_key(status=order.status, filled=order.filled_amount > 0)],
        sentence=explain.reason_sentence(order),
        average_price=explain.average_price(order),
        slippage=explain.slippage_bps(order),
        latency=total_latency(explain.latencies_ms(order)),
    )


def total_latency(stages: Mapping[str, int | None]) -> int | None:
    """From the master's fill to ours; None until every stage has happened."""
    known = [length for length in stages.values() if length is not None]
    return sum(known) if len(known) == len(stages) else None


def order_rows(orders: Iterable[CopyOrder]) -> list[OrderRow]:
    return [order_row(order) for order in orders]


def for_rows(orders: CopyOrderQuerySet) -> CopyOrderQuerySet:
    """With all that a row shows, newest first."""
    return orders.select_related("strategy", "exchange_account", "subscription").order_by("-id")
