"""Step 5: ask the venue about every order whose fate only it knows, by client order id.

Start-up, the minute's turn, a crash and a lost answer are all this same code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from exchanges import gateway, loop
from exchanges.errors import BadCredentials, ExchangeError
from exchanges.types import Account, OrderReport
from execution.claiming import ACCEPTED_FOR
from execution.models import CopyOrder
from execution.placing import Outcome
from execution.reasons import Reason
from execution.settling import Work, settle
from execution.states import Status

log = structlog.get_logger(__name__)

BATCH = 200
LOOK_UP_LIMIT_SECONDS = 60.0
# Fills of an order are asked for from a little before its claim: clocks differ.
BEFORE_CLAIM = timedelta(minutes=1)
BETWEEN_LOOK_UPS = timedelta(seconds=2)
AFTER_SILENCE = timedelta(seconds=5)
NOT_FOUND_TWICE = 2


@dataclass(frozen=True, slots=True)
class Question:
    """An order to ask about, as it was when it was chosen."""

    order_id: int
    subscription_id: int | None
    attempt: int
    client_order_id: str
    symbol: str
    since: datetime
    account: Account
    is_to_be_canceled: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What the venue said: a report, that it does not know the order (both None), or no answer."""

    question: Question
    report: OrderReport | None
    error: ExchangeError | None


def look_up_due(*, now: datetime) -> Work:
    """Look up what is due, adopt what is found, free what is surely not there."""
    questions = _take_questions(now)
    if not questions:
        return Work()
    answers = loop.run(_ask_all(questions), timeout=LOOK_UP_LIMIT_SECONDS)
    now = timezone.now()
    found = [answer for answer in answers if answer.report is not None]
    work = settle([_outcome(answer, now) for answer in found], now=now) if found else Work()
    missing = [answer.question for answer in answers if answer.report is None and answer.error is None]
    return work + _not_found(missing, now)


def _take_questions(now: datetime) -> list[Question]:
    """Choose due orders and push their next turn back, so that two workers do not ask the same."""
    with transaction.atomic(durable=True):
        orders = list(
            CopyOrder.objects.to_look_up(now=now)
            .select_for_update(of=("self",), no_key=True, skip_locked=True)
            .select_related("exchange_account")
            .order_by("look_up_at")[:BATCH]
        )
        CopyOrder.objects.filter(pk__in=[order.pk for order in orders]).update(look_up_at=now + AFTER_SILENCE)
    return [_question(order) for order in orders if order.exchange_account.sealed_credentials]


def _question(order: CopyOrder) -> Question:
    return Question(
        order_id=order.pk,
        subscription_id=order.subscription_id,
        attempt=order.attempt,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        since=(order.claimed_at or order.created_at) - BEFORE_CLAIM,
        account=order.exchange_account.open(),
        is_to_be_canceled=order.reason_code == Reason.CANCELED_BY_MASTER,
    )


async def _ask_all(questions: Sequence[Question]) -> list[Answer]:
    return list(await asyncio.gather(*(_ask(question) for question in questions)))


async def _ask(question: Question) -> Answer:
    try:
        report = await _report(question)
    except ExchangeError as error:
        level = log.error if isinstance(error, BadCredentials) else log.info
        level("look_up_unanswered", order_id=question.order_id, text=error.text)
        return Answer(question, None, error)
    return Answer(question, report, None)


async def _report(question: Question) -> OrderReport | None:
    name = {"client_order_id": question.client_order_id, "symbol": question.symbol}
    if question.is_to_be_canceled:
        return await gateway.cancel(question.account, **name)
    return await gateway.look_up(question.account, since=question.since, **name)


def _outcome(answer: Answer, now: datetime) -> Outcome:
    question = answer.question
    return Outcome(question.order_id, question.subscription_id, question.attempt, answer.report, None, now)


def _not_found(questions: Sequence[Question], now: datetime) -> Work:
    """ "Not found" counts once the request can no longer be accepted, and is believed the second time."""
    work = Work()
    with transaction.atomic(durable=True):
        orders = (
            CopyOrder.objects.select_for_update(of=("self",), no_key=True)
            .filter(pk__in=[question.order_id for question in questions])
            .filter(status__in=[Status.SUBMITTING, Status.UNKNOWN])
            .select_related("exchange_account")
            .order_by("pk")
        )
        attempts = {question.order_id: question.attempt for question in questions}
        for order in orders:
            if attempts[order.pk] == order.attempt and _count_not_found(order, now):
                (work.exits if order.kind == CopyOrder.Kind.EXIT else work.entries).append(order.pk)
    return work


def _count_not_found(order: CopyOrder, now: datetime) -> bool:
    """Whether the order is free to be sent again, under the same client order id."""
    venue_now = gateway.venue_now(order.exchange_account.exchange)
    assert order.claimed_at is not None  # noqa: S101 - a table constraint
    if venue_now <= order.claimed_at + ACCEPTED_FOR:
        CopyOrder.objects.filter(pk=order.pk).update(look_up_at=now + BETWEEN_LOOK_UPS)
        return False
    count = order.not_found_count + 1
    if count < NOT_FOUND_TWICE:
        CopyOrder.objects.filter(pk=order.pk).update(
            not_found_count=count, look_up_at=now + BETWEEN_LOOK_UPS, updated_at=now
        )
        return False
    log.info("order_not_at_venue", order_id=order.pk, attempt=order.attempt)
    CopyOrder.objects.filter(pk=order.pk).update(
        status=Status.PENDING,
        due_at=now,
        look_up_at=None,
        reason_code=Reason.WAITING_FOR_VENUE,
        updated_at=now,
    )
    return True
