"""One call to a venue, and what its failure means: for an order, or for a question.

Reading the answer belongs to the call: what cannot be read is no answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import ccxt

from exchanges import answers, clients, markets
from exchanges.answers import Answer
from exchanges.clients import Client
from exchanges.errors import ExchangeError

Call = Callable[[Any], Awaitable[Any]]
Meaning = Callable[[BaseException, Answer], Exception]
Told = TypeVar("Told")


class OrderNotKnown(ExchangeError):
    """The venue says that there is no such order."""


class _ClockWasWrong(Exception):
    def __init__(self, failure: ExchangeError) -> None:
        super().__init__(failure.text)
        self.failure = failure


async def tell(
    client: Client, call: Call, read: Callable[[Any], Told], before: Callable[[], None] | None = None
) -> Told:
    """An order or a cancel, sent once. Raises what answers.of_order says, or OrderNotKnown.

    `before` is asked when the call's turn has come, right before it is signed and sent; it may refuse.
    """
    return await _called(client, call, read, _of_order, before)


async def ask(client: Client, call: Call, read: Callable[[Any], Told]) -> Told:
    """A question. Raises Unavailable, BadCredentials, SymbolUnknown or OrderNotKnown.

    Asked once more when the only mistake was our clock.
    """
    try:
        return await _called(client, call, read, _of_question)
    except _ClockWasWrong:
        await markets.measure_clock(client.base)
    failure: ExchangeError
    try:
        return await _called(client, call, read, _of_question)
    except _ClockWasWrong as error:
        failure = error.failure
    raise failure


async def _called(
    client: Client,
    call: Call,
    read: Callable[[Any], Told],
    meaning: Meaning,
    before: Callable[[], None] | None = None,
) -> Told:
    failure: Exception
    clients.forget_answer(client)
    try:
        async with client.turn():
            if before is not None:
                before()
            answer = await call(client.ccxt)
        return read(answer)
    except ExchangeError:
        raise
    except Exception as error:
        if not client.ccxt.sent and not isinstance(error, ccxt.BaseError):
            raise
        # At the edge to the venue every failure has a meaning: after sending, at least "nobody knows".
        failure = meaning(error, client.answer())
    # Raised out here, so that ccxt's exception, which holds the signed address, does not come along.
    raise failure


def _of_order(error: BaseException, answer: Answer) -> Exception:
    if answers.is_not_found(error, answer):
        return OrderNotKnown("the exchange does not know this order")
    return answers.of_order(error, answer)


def _of_question(error: BaseException, answer: Answer) -> Exception:
    if answers.is_not_found(error, answer):
        return OrderNotKnown("the exchange does not know this order")
    failure = answers.of_question(error, answer)
    return _ClockWasWrong(failure) if answers.is_clock_skewed(error, answer) else failure
