"""What a failure means. Whatever is not on a list of known answers leaves an order's outcome unknown."""

from __future__ import annotations

import inspect
import json
import socket

import aiohttp
import ccxt
import pytest
from ccxt.base import errors as ccxt_errors

from exchanges import answers
from exchanges.answers import Answer
from exchanges.errors import (
    BadCredentials,
    ClockSkewed,
    DuplicateOrder,
    ExchangeError,
    FilterRefused,
    NotPlaced,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    SymbolUnknown,
    Unavailable,
)
from exchanges.errors import InsufficientFunds as NoMoney

SIGNED = "binance POST https://api.binance.com/api/v3/order?symbol=X&signature=deadbeef KEY-OF-USER"


def told(ccxt_id: str, body: object, status: int = 400, headers: dict[str, str] | None = None) -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)
    return Answer(ccxt_id, True, status, headers or {}, text, ("KEY-OF-USER", "SECRET-OF-USER"))


def binance(code: int, msg: str = "no.") -> Answer:
    return told("binance", {"code": code, "msg": msg})


SILENCE = Answer("binance", sent=True)


def _every_ccxt_error() -> list[type[Exception]]:
    kinds = [kind for _, kind in inspect.getmembers(ccxt_errors, inspect.isclass)]
    return [kind for kind in kinds if issubclass(kind, Exception)]


KNOWN_WITHOUT_A_CODE: dict[type[Exception], type[ExchangeError]] = {
    ccxt.DDoSProtection: RateLimited,
    ccxt.RateLimitExceeded: RateLimited,
    ccxt.InvalidNonce: ClockSkewed,
    ccxt.OnMaintenance: NotPlaced,
}
KNOWN_WITH_A_CODE: dict[type[Exception], type[ExchangeError]] = {
    **KNOWN_WITHOUT_A_CODE,
    ccxt.InsufficientFunds: NoMoney,
    ccxt.BadSymbol: SymbolUnknown,
    ccxt.BadRequest: FilterRefused,
    ccxt.InvalidOrder: FilterRefused,
    ccxt.OrderNotCached: FilterRefused,
    ccxt.OrderImmediatelyFillable: FilterRefused,
    ccxt.OrderNotFillable: FilterRefused,
    ccxt.ContractUnavailable: FilterRefused,
    ccxt.DuplicateOrderId: DuplicateOrder,
    ccxt.MarketClosed: NotPlaced,
    ccxt.AuthenticationError: BadCredentials,
    ccxt.PermissionDenied: BadCredentials,
    ccxt.AccountNotEnabled: BadCredentials,
    ccxt.AccountSuspended: BadCredentials,
}


@pytest.mark.parametrize("kind", _every_ccxt_error(), ids=lambda kind: kind.__name__)
def test_without_the_venues_code_only_surely_unplaced_classes_are_believed(kind: type[Exception]) -> None:
    expected = KNOWN_WITHOUT_A_CODE.get(kind, OutcomeUnknown)
    assert type(answers.of_order(kind(SIGNED), SILENCE)) is expected


@pytest.mark.parametrize("kind", _every_ccxt_error(), ids=lambda kind: kind.__name__)
def test_with_a_code_of_the_venue_the_class_decides_where_the_code_is_new(kind: type[Exception]) -> None:
    answer = told("okx", {"code": "59999", "msg": "something new", "data": []}, 200)
    expected = KNOWN_WITH_A_CODE.get(kind, OutcomeUnknown)
    assert type(answers.of_order(kind(SIGNED), answer)) is expected


@pytest.mark.parametrize("kind", _every_ccxt_error(), ids=lambda kind: kind.__name__)
def test_a_question_without_an_answer_is_unavailable(kind: type[Exception]) -> None:
    assert type(answers.of_question(kind(SIGNED), SILENCE)) is Unavailable


BINANCE = [
    (-2010, "Duplicate order sent.", ccxt.InvalidOrder, DuplicateOrder),
    (
        -2010,
        "Account has insufficient balance for requested action.",
        ccxt.InsufficientFunds,
        NoMoney,
    ),
    (-2010, "This action is disabled on this account.", ccxt.AccountSuspended, BadCredentials),
    (-2010, "Order would immediately match and take.", ccxt.OrderImmediatelyFillable, Rejected),
    (-2010, "Market is closed.", ccxt.MarketClosed, NotPlaced),
    (-1013, "Market is closed.", ccxt.MarketClosed, NotPlaced),
    (-1013, "Filter failure: NOTIONAL", ccxt.BadRequest, FilterRefused),
    (-1111, "Precision is over the maximum defined for this asset.", ccxt.BadRequest, FilterRefused),
    (-1121, "Invalid symbol.", ccxt.BadSymbol, SymbolUnknown),
    (-1003, "Too much request weight used.", ccxt.RateLimitExceeded, RateLimited),
    (
        -1015,
        "Too many new orders; current limit is 100.",
        ccxt.RateLimitExceeded,
        RateLimited,
    ),
    (-1021, "Timestamp for this request is outside of the recvWindow.", ccxt.InvalidNonce, ClockSkewed),
    (-2014, "API-key format invalid.", ccxt.AuthenticationError, BadCredentials),
    (-1022, "Signature for this request is not valid.", ccxt.AuthenticationError, BadCredentials),
    (-1000, "An unknown error occurred while processing the request.", ccxt.OperationFailed, OutcomeUnknown),
    (-1001, "Internal error; unable to process your request.", ccxt.OperationFailed, OutcomeUnknown),
    (
        -1006,
        "An unexpected response from the message bus.",
        ccxt.OperationFailed,
        OutcomeUnknown,
    ),
    (-1007, "Timeout waiting for response from backend server.", ccxt.RequestTimeout, OutcomeUnknown),
    (-1008, "Server is currently overloaded.", ccxt.OperationFailed, OutcomeUnknown),
    (-9999, "Never heard of.", ccxt.ExchangeError, OutcomeUnknown),
]


@pytest.mark.parametrize(("code", "msg", "raised", "expected"), BINANCE)
def test_binance_is_read_by_its_code_and_text(
    code: int, msg: str, raised: type[Exception], expected: type[ExchangeError]
) -> None:
    error = answers.of_order(raised(SIGNED), binance(code, msg))
    assert type(error) is expected
    assert (error.code, error.text) == (str(code), msg)


def test_a_revoked_key_is_told_apart_from_a_rate_limit_though_ccxt_does_not() -> None:
    error = answers.of_order(
        ccxt.DDoSProtection(SIGNED), binance(-2015, "Invalid API-key, IP, or permissions for action.")
    )
    assert type(error) is BadCredentials


OTHERS = [
    ("bybit", {"retCode": 170141, "retMsg": "Duplicate clientOrderId"}, ccxt.InvalidOrder, DuplicateOrder),
    ("bybit", {"retCode": 12141, "retMsg": "duplicate"}, ccxt.BadRequest, DuplicateOrder),
    ("bybit", {"retCode": 10014, "retMsg": "Request is duplicate"}, ccxt.BadRequest, DuplicateOrder),
    (
        "bybit",
        {"retCode": 170131, "retMsg": "Balance insufficient"},
        ccxt.InsufficientFunds,
        NoMoney,
    ),
    ("bybit", {"retCode": 10002, "retMsg": "invalid request time"}, ccxt.InvalidNonce, ClockSkewed),
    ("bybit", {"retCode": 10000, "retMsg": "server timeout"}, ccxt.ExchangeNotAvailable, OutcomeUnknown),
    ("okx", {"code": "1", "data": [{"sCode": "51016", "sMsg": "dup"}]}, ccxt.InvalidOrder, DuplicateOrder),
    (
        "okx",
        {"code": "1", "data": [{"sCode": "51008", "sMsg": "no money"}]},
        ccxt.InsufficientFunds,
        NoMoney,
    ),
    (
        "okx",
        {"code": "1", "data": [{"sCode": "51149", "sMsg": "late"}]},
        ccxt.ExchangeError,
        OutcomeUnknown,
    ),
    ("okx", {"code": "50004", "msg": "Endpoint request timeout"}, ccxt.RequestTimeout, OutcomeUnknown),
    ("okx", {"code": "50113", "msg": "Invalid signature"}, ccxt.AuthenticationError, BadCredentials),
    ("kraken", {"error": ["EOrder:Insufficient funds"]}, ccxt.InsufficientFunds, NoMoney),
    ("kraken", {"error": ["EGeneral:Invalid arguments:cl_ord_id"]}, ccxt.BadRequest, DuplicateOrder),
    ("kraken", {"error": ["EGeneral:Invalid arguments:volume"]}, ccxt.BadRequest, FilterRefused),
    ("kraken", {"error": ["EService:Deadline elapsed"]}, ccxt.ExchangeError, NotPlaced),
    ("kraken", {"error": ["EService:Unavailable"]}, ccxt.ExchangeNotAvailable, OutcomeUnknown),
    ("kraken", {"error": ["EService:Market in cancel_only mode"]}, ccxt.OnMaintenance, NotPlaced),
    ("kucoin", {"code": "126044", "msg": "duplicate"}, ccxt.ExchangeError, DuplicateOrder),
    ("bitget", {"code": "40786", "msg": "Duplicate clientOid"}, ccxt.ExchangeError, DuplicateOrder),
]


@pytest.mark.parametrize(("ccxt_id", "body", "raised", "expected"), OTHERS)
def test_other_venues_are_read_by_their_own_codes(
    ccxt_id: str, body: object, raised: type[Exception], expected: type[ExchangeError]
) -> None:
    assert type(answers.of_order(raised(SIGNED), told(ccxt_id, body, 200))) is expected


def _caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


def _connector_error(kind: type[aiohttp.ClientConnectorError]) -> aiohttp.ClientConnectorError:
    return kind(None, OSError(111, "refused"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "error",
    [
        _caused(ccxt.ExchangeNotAvailable(SIGNED), _connector_error(aiohttp.ClientConnectorError)),
        _caused(ccxt.ExchangeNotAvailable(SIGNED), _connector_error(aiohttp.ClientConnectorDNSError)),
        _caused(ccxt.ExchangeNotAvailable(SIGNED), socket.gaierror()),
        _caused(ccxt.RequestTimeout(SIGNED), aiohttp.ConnectionTimeoutError()),
    ],
)
def test_a_connection_that_was_never_made_placed_nothing(error: Exception) -> None:
    assert type(answers.of_order(error, SILENCE)) is NotPlaced


@pytest.mark.parametrize(
    "error",
    [
        _caused(ccxt.ExchangeNotAvailable(SIGNED), aiohttp.ServerDisconnectedError()),
        _caused(ccxt.ExchangeNotAvailable(SIGNED), aiohttp.ClientOSError(104, "reset")),
        _caused(ccxt.RequestTimeout(SIGNED), aiohttp.SocketTimeoutError()),
        _caused(ccxt.RequestTimeout(SIGNED), TimeoutError()),
        _caused(ccxt.ExchangeError(SIGNED), aiohttp.ClientPayloadError()),
        TypeError("string indices must be integers"),
        KeyError("orderId"),
    ],
)
def test_a_connection_that_broke_leaves_the_outcome_unknown(error: Exception) -> None:
    assert type(answers.of_order(error, SILENCE)) is OutcomeUnknown


@pytest.mark.parametrize("status", [400, 403, 404, 500, 502, 503, 504, 520])
def test_a_page_instead_of_an_answer_leaves_the_outcome_unknown(status: int) -> None:
    page = told("binance", "<html><body>LOT_SIZE maintenance</body></html>", status)
    for raised in (ccxt.ExchangeNotAvailable, ccxt.InvalidOrder, ccxt.RequestTimeout):
        error = answers.of_order(raised(SIGNED), page)
        assert type(error) is OutcomeUnknown
        assert "html" not in error.text


def test_a_proxys_log_in_page_does_not_condemn_a_key() -> None:
    page = told("binance", "<html>log in</html>", 407)
    assert type(answers.of_order(ccxt.AuthenticationError(SIGNED), page)) is OutcomeUnknown
    assert type(answers.of_question(ccxt.AuthenticationError(SIGNED), page)) is Unavailable


@pytest.mark.parametrize("status", [418, 429])
def test_a_rate_limit_tells_how_long_to_wait(status: int) -> None:
    limited = told("binance", {"code": -1003, "msg": "Way too many"}, status, {"Retry-After": "17"})
    error = answers.of_order(ccxt.DDoSProtection(SIGNED), limited)
    assert isinstance(error, RateLimited)
    assert error.retry_after == 17
    question = answers.of_question(ccxt.DDoSProtection(SIGNED), limited)
    assert isinstance(question, Unavailable)
    assert question.retry_after == 17


@pytest.mark.parametrize("header", [{}, {"Retry-After": "soon"}, {"retry-after": ""}])
def test_a_rate_limit_without_a_readable_wait_says_none(header: dict[str, str]) -> None:
    error = answers.of_order(ccxt.RateLimitExceeded(SIGNED), told("binance", "busy", 429, header))
    assert isinstance(error, RateLimited)
    assert error.retry_after is None


def test_neither_address_nor_keys_reach_a_text() -> None:
    leaky = binance(-1100, "Illegal characters found in KEY-OF-USER and SECRET-OF-USER")
    kinds = [*_every_ccxt_error(), ValueError]
    for answer in (leaky, SILENCE, told("binance", "<html>KEY-OF-USER</html>", 503)):
        for kind in kinds:
            for meaning in (answers.of_order, answers.of_question):
                text = str(meaning(kind(SIGNED), answer))
                assert "signature" not in text
                assert "OF-USER" not in text
    assert "KEY-OF-USER" not in repr(leaky)


def test_not_found_is_what_the_venue_says_itself() -> None:
    lost = ccxt.OrderNotFound(SIGNED)
    assert answers.is_not_found(lost, binance(-2013, "Order does not exist."))
    assert answers.is_not_found(lost, binance(-2011, "Unknown order sent."))
    assert answers.is_not_found(lost, told("okx", {"code": "51603", "msg": "Order does not exist"}, 200))
    assert not answers.is_not_found(lost, binance(-2011, "This action is disabled on this account."))
    assert not answers.is_not_found(lost, SILENCE)
    assert not answers.is_not_found(lost, told("binance", "<html>404</html>", 404))
    assert not answers.is_not_found(ccxt.InvalidOrder(SIGNED), binance(-2026, "Order was archived."))


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (ccxt.BadSymbol("binance does not have market symbol X/Y"), SymbolUnknown),
        (ccxt.InvalidOrder("amount must be greater than minimum amount precision"), FilterRefused),
        (ccxt.ArgumentsRequired("createOrder requires a price argument"), FilterRefused),
        (ccxt.AuthenticationError('requires "secret" credential'), BadCredentials),
    ],
)
def test_what_ccxt_refuses_before_sending_was_surely_not_placed(
    raised: Exception, expected: type[ExchangeError]
) -> None:
    assert type(answers.of_order(raised, Answer("binance", sent=False))) is expected
