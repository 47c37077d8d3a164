"""Who is asking, and is the question fresh: key, HMAC-SHA256 signature, timestamp and recvWindow."""

import hashlib
import hmac
import re

from . import answers
from .accounts import Account, Accounts
from .answers import Refusal
from .tickets import Params, read_int

DEFAULT_WINDOW = 5_000
LONGEST_WINDOW = 60_000
AHEAD = 1_000
_KEY = re.compile(r"[\x21-\x7e]{1,128}")


def authenticate(accounts: Accounts, api_key: str | None, payload: bytes, signature: str | None) -> Account:
    """The account that signed `payload`. Raises -2014, -2015, -1102 or -1022."""
    if not api_key or _KEY.fullmatch(api_key) is None:
        raise answers.bad_key_format()
    account = accounts.get(api_key)
    if not signature:
        raise answers.missing("signature")
    expected = hmac.new(account.secret, payload, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
        raise answers.bad_signature()
    return account


def check_timestamp(params: Params, now: int) -> None:
    """Raises -1102, -1131 or -1021."""
    timestamp = read_int(params, "timestamp")
    if timestamp is None:
        raise answers.missing("timestamp")
    window = read_int(params, "recvWindow")
    if window is None:
        window = DEFAULT_WINDOW
    if window > LONGEST_WINDOW:
        raise Refusal(-1131, "recvWindow must be less than 60000")
    if timestamp >= now + AHEAD:
        raise Refusal(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now - timestamp > window:
        raise Refusal(-1021, "Timestamp for this request is outside of the recvWindow.")


def signed_payload(query: bytes, body: bytes) -> bytes:
    """What the signature covers: query and body as sent, without the signature itself."""
    return _without_signature(query) + _without_signature(body)


def _without_signature(part: bytes) -> bytes:
    head, found, tail = part.partition(b"signature=")
    if not found:
        return part
    rest = tail.partition(b"&")[2]
    return head + rest if rest else head.rstrip(b"&")
