"""Turns what went wrong at a venue into one of our errors: by its own code first, by ccxt's class second.

Texts keep the venue's own words only: ccxt puts the signed address of the request into its messages.
"""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import ccxt

from exchanges import codes
from exchanges.errors import (
    BadCredentials,
    ClockSkewed,
    DuplicateOrder,
    ExchangeError,
    FilterRefused,
    InsufficientFunds,
    NotPlaced,
    OutcomeUnknown,
    RateLimited,
    SymbolUnknown,
    Unavailable,
)
from exchanges.transport import NotConnected

_TEXT_LENGTH = 300
_BANNED_UNTIL = re.compile(r"banned until (\d{13})")
_GOOD_CODES = frozenset({"", "0", "00000", "200", "200000"})

# These may only be believed when the venue itself said so, with a code: a proxy's login page is an
# AuthenticationError to ccxt, and an HTML page that happens to say LOT_SIZE an InvalidOrder.
_BY_CLASS_WITH_CODE: tuple[tuple[type[Exception], codes.Meaning], ...] = (
    (ccxt.InsufficientFunds, InsufficientFunds),
    (ccxt.BadSymbol, SymbolUnknown),
    (ccxt.DuplicateOrderId, DuplicateOrder),
    (ccxt.MarketClosed, NotPlaced),
    (ccxt.AuthenticationError, BadCredentials),
    (ccxt.BadRequest, FilterRefused),
    (ccxt.InvalidOrder, FilterRefused),
)
_BY_CLASS: tuple[tuple[type[Exception], codes.Meaning], ...] = (
    (ccxt.ChecksumError, OutcomeUnknown),
    (ccxt.InvalidNonce, ClockSkewed),
    (ccxt.DDoSProtection, RateLimited),
    (ccxt.RateLimitExceeded, RateLimited),
    (ccxt.OnMaintenance, NotPlaced),
)
# Raised while the connection is made: before the first byte of the request.
_BEFORE_SENDING = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientHttpProxyError,
    aiohttp.ConnectionTimeoutError,
    socket.gaierror,
    NotConnected,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back over HTTP; `status` 0 and an empty body when nothing did. `sent`: a request left."""

    ccxt_id: str
    sent: bool
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = field(default="", repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


def of_order(error: BaseException, answer: Answer) -> ExchangeError:
    """For placing and cancelling: what is not on the list of known answers is OutcomeUnknown."""
    return _known(error, answer) or _built(OutcomeUnknown, answer, error)


def of_question(error: BaseException, answer: Answer) -> ExchangeError:
    """For reading: BadCredentials, SymbolUnknown, or Unavailable."""
    known = _known(error, answer)
    if isinstance(known, BadCredentials | SymbolUnknown):
        return known
    if known is None:
        return _built(Unavailable, answer, error)
    retry_after = known.retry_after if isinstance(known, RateLimited) else None
    return Unavailable(known.text, code=known.code, retry_after=retry_after)


def is_not_found(error: BaseException, answer: Answer) -> bool:
    """Whether the venue says that it does not know the order."""
    code, text = _code_and_text(answer)
    if _by_code(answer.ccxt_id, code, text) is not None:
        return False
    if _is_not_found_code(answer.ccxt_id, code):
        return True
    # Binance has exactly these codes; elsewhere ccxt also knows texts and empty lists.
    return isinstance(error, ccxt.OrderNotFound) and answer.ccxt_id != "binance" and answer.status == 200


def is_clock_skewed(error: BaseException, answer: Answer) -> bool:
    return isinstance(_known(error, answer), ClockSkewed)


def _known(error: BaseException, answer: Answer) -> ExchangeError | None:
    """None when it is on no list: nobody knows whether the request took effect."""
    if not answer.sent or isinstance(error.__cause__, _BEFORE_SENDING):
        return _never_sent(error, answer)
    code, text = _code_and_text(answer)
    if answer.status in (418, 429):
        return _built(RateLimited, answer, error)
    meaning = _by_code(answer.ccxt_id, code, text)
    if meaning is None and not _is_not_found_code(answer.ccxt_id, code):
        meaning = _by_class(error, code)
    if meaning is None or meaning is OutcomeUnknown:
        return None
    return _built(meaning, answer, error)


def _is_not_found_code(ccxt_id: str, code: str) -> bool:
    return code in codes.NOT_FOUND.get(ccxt_id, frozenset())


def _never_sent(error: BaseException, answer: Answer) -> ExchangeError | None:
    """A refusal of ccxt's own checks, or a connection that was not made."""
    if isinstance(error.__cause__, _BEFORE_SENDING):
        return NotPlaced("the exchange could not be reached")
    meaning = _by_class(error, "unsent")
    text = str(error)[:_TEXT_LENGTH] if isinstance(error, ccxt.BaseError) else "the order could not be built"
    if meaning is None:
        meaning = FilterRefused if isinstance(error, ccxt.ExchangeError) else NotPlaced
    return meaning(_without_secrets(text, answer))


def _by_code(ccxt_id: str, code: str, text: str) -> codes.Meaning | None:
    if ccxt_id == "kraken":
        return next((meaning for start, meaning in codes.KRAKEN.items() if start in code), None)
    if ccxt_id == "binance" and code:
        lowered = text.lower()
        for words, meaning in codes.BINANCE_TEXTS.items():
            if words in lowered:
                return meaning
    return codes.TABLES.get(ccxt_id, {}).get(code)


def _by_class(error: BaseException, code: str) -> codes.Meaning | None:
    for kind, meaning in _BY_CLASS:
        if isinstance(error, kind):
            return meaning
    # Not knowing an order is no reason to refuse one.
    if not code or isinstance(error, ccxt.OrderNotFound):
        return None
    return next((meaning for kind, meaning in _BY_CLASS_WITH_CODE if isinstance(error, kind)), None)


def _built(meaning: codes.Meaning, answer: Answer, error: BaseException) -> ExchangeError:
    code, text = _code_and_text(answer)
    text = _without_secrets(text, answer)[:_TEXT_LENGTH] or _silence(answer, error)
    if issubclass(meaning, RateLimited):
        return RateLimited(text, code=code, retry_after=pause_asked_for(answer.headers, answer.body))
    return meaning(text, code=code)


def _silence(answer: Answer, error: BaseException) -> str:
    if answer.status:
        return f"the exchange answered HTTP {answer.status} without a readable reason"
    if isinstance(error, ccxt.RequestTimeout | TimeoutError):
        return "the exchange did not answer in time"
    return "the exchange did not give a readable answer"


def _code_and_text(answer: Answer) -> tuple[str, str]:
    """The venue's own code and message; both empty when the body is not an error of this venue's form."""
    try:
        body = json.loads(answer.body)
    except ValueError:
        return "", ""
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    if not isinstance(body, dict):
        return "", ""
    code, text = _READERS.get(answer.ccxt_id, _plain_error)(body)
    return ("", "") if code in _GOOD_CODES else (code, text)


def _plain_error(body: Mapping[str, Any]) -> tuple[str, str]:
    return str(body.get("code", "")), str(body.get("msg") or body.get("message") or "")


def _bybit_error(body: Mapping[str, Any]) -> tuple[str, str]:
    return str(body.get("retCode", "")), str(body.get("retMsg") or "")


def _okx_error(body: Mapping[str, Any]) -> tuple[str, str]:
    rows = body.get("data")
    first = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}
    if str(first.get("sCode", "0")) != "0":
        return str(first["sCode"]), str(first.get("sMsg") or "")
    return _plain_error(body)


def _kraken_error(body: Mapping[str, Any]) -> tuple[str, str]:
    errors = body.get("error")
    if not isinstance(errors, list) or not errors:
        return "", ""
    return str(errors[0]), "; ".join(str(error) for error in errors)


_READERS = {"bybit": _bybit_error, "okx": _okx_error, "kraken": _kraken_error}


def pause_asked_for(headers: Mapping[str, str], body: str) -> float | None:
    """Seconds: the venue's Retry-After, else until the moment in Binance's "banned until", else None."""
    seconds = _retry_after(headers)
    banned = None if seconds is not None else _BANNED_UNTIL.search(body)
    return seconds if banned is None else max(0.0, int(banned[1]) / 1000 - time.time())


def _retry_after(headers: Mapping[str, str]) -> float | None:
    value = next((text for name, text in headers.items() if name.lower() == "retry-after"), "")
    try:
        return max(0.0, float(value))
    except ValueError:
        return None


def _without_secrets(text: str, answer: Answer) -> str:
    for secret in answer.secrets:
        if secret:
            text = text.replace(secret, "…")
    return text
