"""Step 5: ask the venue about every order whose fate only it knows, by client order id.

Start-up, the minute's turn, a crash and a lost answer are all this same code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import structlog
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from exchanges import gateway, loop
from exchanges.errors import BadCredentials, ExchangeError, NotPlaced, Unavailable
from exchanges.types import Account, OrderReport
from execution import drift
from execution.decisions import ACCEPTED_FOR
from execution.endings import Work
from execution.models import CopyOrder
from execution.placing import Outcome
from execution.reasons import Reason
from execution.settling import settle
from execution.states import Status
from wallets import vault

log = structlog.get_logger(__name__)

BATCH = 200
LOOK_UP_LIMIT_SECONDS = 20.0
BALANCE_LIMIT_SECONDS = 10.0
RULES_LIMIT_SECONDS = 20.0
# Fills of an order are asked for from a little before its claim: clocks differ.
BEFORE_CLAIM = timedelta(minutes=1)
BETWEEN_LOOK_UPS = timedelta(seconds=2)
AFTER_SILENCE = timedelta(seconds=5)
NOT_FOUND_TWICE = 2
# OKX forgets an order that was canceled unfilled after two hours; the others keep theirs longer.
VENUES_REMEMBER = timedelta(hours=1)
NOT_THERE = NotPlaced("The exchange does not know this order; it is sent again.")


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
    answers = loop.run(ask_all(questions))
    now = timezone.now()
    outcomes = [outcome(answer.question, answer.report, None, now) for answer in answers if answer.report]
    missing = [answer.question for answer in answers if answer.report is None and answer.error is None]
    outcomes += [outcome(question, None, NOT_THERE, now) for question in _surely_not_there(missing, now)]
    return settle(outcomes, now=now) if outcomes else Work()


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
    return [asked for order in orders if (asked := question(order))]


def question(order: CopyOrder) -> Question | None:
    """None where the keys are gone or cannot be opened: then only a person can find out."""
    if not order.exchange_account.sealed_credentials:
        return None
    try:
        account = order.exchange_account.open()
    except vault.CannotOpen as error:
        log.error("keys_not_opened", account_id=order.exchange_account_id, error=str(error))
        return None
    return Question(
        order_id=order.pk,
        subscription_id=order.subscription_id,
        attempt=order.attempt,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        since=(order.claimed_at or order.created_at) - BEFORE_CLAIM,
        account=account,
        is_to_be_canceled=order.cancel_requested_at is not None,
    )


async def ask_all(questions: Sequence[Question]) -> list[Answer]:
    return list(await asyncio.gather(*(_ask(question) for question in questions)))


async def _ask(question: Question) -> Answer:
    try:
        async with asyncio.timeout(LOOK_UP_LIMIT_SECONDS):
            report = await _report(question)
    except TimeoutError:
        return Answer(question, None, Unavailable("the exchange did not answer in time"))
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


def outcome(
    question: Question, report: OrderReport | None, error: ExchangeError | None, now: datetime
) -> Outcome:
    return Outcome(question.order_id, question.subscription_id, question.attempt, report, error, now)


def _surely_not_there(questions: Sequence[Question], now: datetime) -> list[Question]:
    """ "Not found" counts once the request can no longer be accepted, and is believed the second time."""
    with transaction.atomic(durable=True):
        orders = (
            CopyOrder.objects.select_for_update(of=("self",), no_key=True)
            .filter(pk__in=[question.order_id for question in questions])
            .filter(status__in=[Status.SUBMITTING, Status.UNKNOWN])
            .select_related("exchange_account")
            .order_by("pk")
        )
        asked = {question.order_id: question for question in questions}
        return [
            asked[order.pk]
            for order in orders
            if asked[order.pk].attempt == order.attempt and _count_not_found(order, now)
        ]


def _count_not_found(order: CopyOrder, now: datetime) -> bool:
    """Whether the order is free to be sent again, under the same client order id."""
    venue_now = gateway.venue_now(order.exchange_account.exchange)
    assert order.claimed_at is not None  # noqa: S101 - a table constraint
    age = venue_now - order.claimed_at
    if age > VENUES_REMEMBER:
        # It may have been there and be forgotten: a person decides.
        log.error("order_lost_from_sight", order_id=order.pk)
        _set(order, now, look_up_at=now + VENUES_REMEMBER, reason_code=Reason.OUTCOME_UNKNOWN)
        return False
    if age <= ACCEPTED_FOR:
        _set(order, now, look_up_at=now + BETWEEN_LOOK_UPS)
        return False
    count = order.not_found_count + 1
    _set(order, now, look_up_at=now + BETWEEN_LOOK_UPS, not_found_count=count)
    return count >= NOT_FOUND_TWICE


def _set(order: CopyOrder, now: datetime, **values: object) -> None:
    CopyOrder.objects.filter(pk=order.pk).update(updated_at=now, **values)


def cap_exits(order_ids: Sequence[int], *, now: datetime) -> None:
    """After "insufficient funds": read what is really there, so that the exit sells that and no more."""
    orders = CopyOrder.objects.filter(pk__in=order_ids).select_related("exchange_account")
    for order in orders:
        coin = order.symbol.partition("/")[0]
        asked_at = timezone.now()
        try:
            balances = loop.run(gateway.fetch_balances(order.exchange_account.open()), BALANCE_LIMIT_SECONDS)
        except (ExchangeError, TimeoutError, vault.CannotOpen) as error:
            log.warning("balance_not_read", order_id=order.pk, error=str(error))
            continue
        free = balances[coin].free if coin in balances else Decimal(0)
        log.warning("coins_missing", order_id=order.pk, coin=coin, free=str(free))
        CopyOrder.objects.filter(pk=order.pk, status=Status.PENDING).update(
            sell_at_most=free, due_at=now, updated_at=now
        )
        drift.note(order.exchange_account, balances, asked_at=asked_at, now=timezone.now())


def renew_rules(exchange: str, order_ids: Sequence[int], *, now: datetime) -> None:
    """After a refusal by a rule: the exits become due once this process has the venue's rules of today."""
    refused = CopyOrder.objects.filter(pk__in=order_ids, status=Status.PENDING)
    latest = refused.aggregate(latest=Max("updated_at"))["latest"]
    if latest is None:
        return
    try:
        loop.run(gateway.reload_market_rules(exchange, since=latest), RULES_LIMIT_SECONDS)
    except (ExchangeError, TimeoutError) as error:
        log.warning("rules_not_renewed", exchange=exchange, error=str(error))
        return
    refused.update(due_at=now, updated_at=now)
