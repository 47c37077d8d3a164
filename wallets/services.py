"""Connecting accounts at exchanges. Nothing is stored before the venue has been asked, and no transaction
waits for a venue.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Any, TypeVar

from django.db import IntegrityError, transaction

from accounts.models import User
from compliance import audit
from compliance.audit import Origin
from compliance.models import Action, Outcome
from exchanges import gateway, loop
from exchanges.errors import BadCredentials, ExchangeError
from exchanges.types import Account, Balance, Credentials, KeyInfo
from wallets import dead_keys, vault
from wallets.models import ExchangeAccount

PAPER = "paper"
QUOTE = "USDT"
# The reason of an active account whose key may only read: a master can be watched with it, nobody can follow.
READS_ONLY = "trading_disabled"
ANSWER_SECONDS = 10
MOST_ACCOUNTS = 50
Answer = TypeVar("Answer")


class CannotConnect(Exception):
    """The account was not connected or its keys not changed; subclasses say why."""


class InvalidCredentials(CannotConnect):
    """The venue does not know these keys."""


class WithdrawalEnabled(CannotConnect):
    """The keys may withdraw, or that cannot be read."""


class ExchangeUnavailable(CannotConnect):
    """The venue did not answer. Nothing was changed."""


class TooManyAccounts(CannotConnect):
    """The person has as many as one may."""


class AlreadyConnected(CannotConnect):
    """The venue's account is connected, by whomever."""


class OtherVenueAccount(CannotConnect):
    """The new keys belong to another account of the venue."""


class AccountInUse(Exception):
    """A published strategy or a live subscription needs the account."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What the venue told; amounts in the account's quote."""

    info: KeyInfo
    free_quote: Decimal
    equity: Decimal

    def as_columns(self, *, now: datetime) -> dict[str, Any]:
        return {
            "mode": dict(self.info.mode),
            "permissions": list(self.info.permissions),
            "free_quote": self.free_quote,
            "equity": self.equity,
            "status": ExchangeAccount.Status.ACTIVE,
            "status_reason": "" if self.info.can_trade else READS_ONLY,
            "validated_at": now,
            "check_due_at": next_check(now),
        }


def next_check(now: datetime) -> datetime:
    """About a day later, at a moment that accounts connected together do not share."""
    return now + timedelta(hours=22, seconds=secrets.randbelow(4 * 3600))


def connect_account(
    *, owner: User, exchange: str, label: str, credentials: Credentials, origin: Origin, now: datetime
) -> ExchangeAccount:
    """Check the keys at the venue and store them sealed. CannotConnect, exchanges' VenueNotSupported."""
    gateway.supported(exchange)
    with _refusal_recorded(Action.EXCHANGE_ACCOUNT_CREATE, origin, {"exchange": exchange, "label": label}):
        return _connect(owner, exchange, label, credentials, origin, now)


def _connect(
    owner: User, exchange: str, label: str, credentials: Credentials, origin: Origin, now: datetime
) -> ExchangeAccount:
    _require_room(owner)
    checked = _check(Account(exchange, credentials))
    account = ExchangeAccount(
        owner=owner,
        exchange=exchange,
        label=label,
        key_hint=_hint(credentials),
        venue_account_id=_venue_account_id(checked.info, credentials),
        quote=QUOTE,
        **checked.as_columns(now=now),
    )
    account.sealed_credentials = vault.seal(credentials, owner=str(account.public_id))
    try:
        with transaction.atomic():
            # Of many at once each sees those before it.
            User.objects.select_for_update(no_key=True).get(pk=owner.pk)
            _require_room(owner)
            account.save(force_insert=True)
            _record(Action.EXCHANGE_ACCOUNT_CREATE, account, origin, {"exchange": exchange, "label": label})
    except IntegrityError as error:
        if "a_venue_account_is_connected_once" not in str(error):
            raise
        raise AlreadyConnected from error
    return account


def open_paper_account(
    *, owner: User, label: str, balance: Decimal, origin: Origin, now: datetime
) -> ExchangeAccount:
    """A new account at the paper exchange with `balance` of the quote, and its connection."""
    gateway.supported(PAPER)
    _require_room(owner)
    credentials = _ask(gateway.open_paper_account({QUOTE: balance}))
    return connect_account(
        owner=owner, exchange=PAPER, label=label, credentials=credentials, origin=origin, now=now
    )


def validate_account(*, account: ExchangeAccount, origin: Origin, now: datetime) -> ExchangeAccount:
    """Ask the venue again and keep what it says as the account's status; never raises CannotConnect."""
    status = ExchangeAccount.Status
    try:
        changes = _check(account.open()).as_columns(now=now)
    except InvalidCredentials:
        changes = {"status": status.INVALID, "status_reason": "invalid_credentials", "validated_at": now}
    except WithdrawalEnabled:
        changes = {"status": status.INVALID, "status_reason": "withdrawal_enabled", "validated_at": now}
    except vault.CannotOpen:
        changes = {"status": status.INVALID, "status_reason": "keys_not_opened", "validated_at": now}
    except ExchangeUnavailable:
        changes = {"status": status.UNREACHABLE, "status_reason": "exchange_unavailable"}
    with transaction.atomic():
        # Keys rotated meanwhile have been checked by the rotation.
        same_keys = ExchangeAccount.objects.connected().filter(
            pk=account.pk, sealed_credentials=account.sealed_credentials
        )
        if changes["status"] == status.INVALID:
            dead_keys.keys_refused(same_keys.values_list("pk", flat=True), now=now)
        if same_keys.update(**changes) and changes["status"] != account.status:
            detail = {"status": str(changes["status"]), "reason": changes["status_reason"]}
            _record(Action.EXCHANGE_ACCOUNT_CHANGE, account, origin, detail)
    account.refresh_from_db()
    return account


def rotate_keys(
    *, account: ExchangeAccount, credentials: Credentials, origin: Origin, now: datetime
) -> ExchangeAccount:
    """Put new keys of the same venue account in the place of the old ones. CannotConnect."""
    detail, named = {"changed": "keys"}, str(account.public_id)
    with _refusal_recorded(Action.EXCHANGE_ACCOUNT_CHANGE, origin, detail, object=named):
        checked = _check(Account(account.exchange, credentials, proxy_url=account.proxy_url))
        if _venue_account_id(checked.info, credentials) != account.venue_account_id:
            raise OtherVenueAccount
    with transaction.atomic():
        ExchangeAccount.objects.connected().filter(pk=account.pk).update(
            key_hint=_hint(credentials),
            sealed_credentials=vault.seal(credentials, owner=str(account.public_id)),
            **checked.as_columns(now=now),
        )
        _record(Action.EXCHANGE_ACCOUNT_CHANGE, account, origin, {"changed": "keys"})
    account.refresh_from_db()
    return account


def rename_account(*, account: ExchangeAccount, label: str, origin: Origin) -> ExchangeAccount:
    with transaction.atomic():
        ExchangeAccount.objects.filter(pk=account.pk).update(label=label)
        _record(Action.EXCHANGE_ACCOUNT_CHANGE, account, origin, {"changed": "label", "label": label})
    account.refresh_from_db()
    return account


def disconnect_account(
    *, account: ExchangeAccount, is_in_use: Callable[[int], bool], origin: Origin, now: datetime
) -> None:
    """Wipe the keys; the row stays. AccountInUse; a second time changes nothing.

    Strategies and subscriptions lie above: `is_in_use(account id)` asks them, under the row's lock, which
    a new strategy or subscription on the account waits for.
    """
    with transaction.atomic():
        locked = ExchangeAccount.objects.connected().select_for_update().filter(pk=account.pk)
        if not locked:
            return
        if is_in_use(account.pk):
            raise AccountInUse
        locked.update(sealed_credentials="", key_hint="", disconnected_at=now)
        _record(Action.EXCHANGE_ACCOUNT_DELETE, account, origin, {"exchange": account.exchange})


def _require_room(owner: User) -> None:
    if ExchangeAccount.objects.connected().owned_by(owner.pk).count() >= MOST_ACCOUNTS:
        raise TooManyAccounts


def _check(account: Account) -> Checked:
    info = _ask(gateway.fetch_key_info(account))
    if info.can_withdraw:
        raise WithdrawalEnabled
    in_its_mode = Account(account.exchange, account.credentials, info.mode, account.proxy_url)
    balances = _ask(gateway.fetch_balances(in_its_mode))
    free = balances[QUOTE].free if QUOTE in balances else Decimal(0)
    return Checked(info, free_quote=free, equity=_equity(account.exchange, balances))


def _equity(exchange: str, balances: dict[str, Balance]) -> Decimal:
    """The worth of everything that has a price in the quote; what has none counts for nothing."""
    symbols = {asset: f"{asset}/{QUOTE}" for asset in balances if asset != QUOTE}
    quotes = _ask(gateway.fetch_quotes(exchange, list(symbols.values()))) if symbols else {}
    with localcontext(prec=60):
        worth = balances[QUOTE].total if QUOTE in balances else Decimal(0)
        for asset, symbol in symbols.items():
            if symbol in quotes:
                worth += balances[asset].total * quotes[symbol].last
        return worth.quantize(Decimal("1e-18"), rounding=ROUND_DOWN)


def _ask(question: Coroutine[Any, Any, Answer]) -> Answer:
    try:
        return loop.run(question, timeout=ANSWER_SECONDS)
    except BadCredentials as error:
        raise InvalidCredentials(error.text) from None
    except (ExchangeError, TimeoutError) as error:
        raise ExchangeUnavailable(str(error)) from None


def _venue_account_id(info: KeyInfo, credentials: Credentials) -> str:
    """The venue's own id; where it tells none, one account per key."""
    return info.venue_account_id or "key-" + hashlib.sha256(credentials.api_key.encode()).hexdigest()[:40]


def _hint(credentials: Credentials) -> str:
    """The last four characters, of keys long enough not to be told by them."""
    return f"…{credentials.api_key[-4:]}" if len(credentials.api_key) >= 16 else ""


@contextmanager
def _refusal_recorded(
    action: Action, origin: Origin, detail: dict[str, str], *, object: str = ""
) -> Iterator[None]:
    try:
        yield
    except CannotConnect as refusal:
        reason = {"reason": type(refusal).__name__}
        audit.record(action, origin=origin, object=object, outcome=Outcome.REFUSED, detail=detail | reason)
        raise


def _record(action: Action, account: ExchangeAccount, origin: Origin, detail: dict[str, str]) -> None:
    audit.record(action, origin=origin, object=str(account.public_id), detail=detail)
