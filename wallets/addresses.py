"""Addresses that coins go to. One for withdrawals counts only after a code that was sent by e-mail, and after
a time in which its owner can notice that somebody else added it.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.models import User
from compliance import audit
from compliance.audit import Origin
from compliance.models import Action, Outcome
from wallets import telling
from wallets.models import WalletAddress
from wallets.networks import place_of

CODE_DIGITS = 8
CODE_MINUTES = 30
ATTEMPTS_PER_CODE = 5
CODES_PER_ADDRESS = 10
MOST_ADDRESSES = 200

Direction = WalletAddress.Direction
Status = WalletAddress.Status


class AlreadyAdded(Exception):
    """The person has this address and memo on this network, for this direction."""


class TooManyAddresses(Exception):
    """The person has as many as one may."""


class NothingToConfirm(Exception):
    """The address is confirmed, or needs no confirmation."""


class WrongCode(Exception):
    """Not the code of the last mail."""


class CodeExpired(Exception):
    """The code is too old, or was tried too often: a new one can be sent."""


class TooManyCodes(Exception):
    """Enough codes were sent for this address."""


def add_address(
    *,
    owner: User,
    exchange: str,
    network: str,
    address: str,
    memo: str,
    label: str,
    direction: str,
    origin: Origin,
    now: datetime,
) -> WalletAddress:
    """In its canonical form. AlreadyAdded, TooManyAddresses, and what `place_of` raises."""
    place = place_of(network, address=address, memo=memo, is_deposit=direction == Direction.DEPOSIT)
    added = WalletAddress(
        owner=owner,
        exchange=exchange,
        network=network,
        address=place.address,
        memo=place.memo,
        label=label,
        direction=direction,
        status=Status.ACTIVE,
        usable_from=now,
        created_at=now,
    )
    code = ""
    if added.is_for_withdrawals:
        code = _new_code()
        added.status = Status.PENDING
        added.usable_from = now + _cooling_off()
        added.code_digest, added.code_sent_at = _digest(added, code), now
        added.codes_sent = 1
    _insert(added, origin, now)
    if code:
        telling.send_code(added, code, minutes=CODE_MINUTES, now=now)
    return added


def _insert(added: WalletAddress, origin: Origin, now: datetime) -> None:
    try:
        with transaction.atomic():
            # Of many at once each sees those before it.
            User.objects.select_for_update(no_key=True).get(pk=added.owner_id)
            if WalletAddress.objects.owned_by(added.owner_id).count() >= MOST_ADDRESSES:
                raise TooManyAddresses
            added.save(force_insert=True)
            if added.is_for_withdrawals:
                detail = {"network": added.network, "address": added.address, "exchange": added.exchange}
                _record(Action.WITHDRAWAL_ADDRESS_CREATE, added, origin, detail)
                telling.withdrawal_address_added(added, origin=origin, now=now)
    except IntegrityError as error:
        if "an_address_is_added_once" not in str(error):
            raise
        raise AlreadyAdded from error


def send_new_code(*, address: WalletAddress, now: datetime) -> None:
    """Another code by mail; the one before opens nothing any more. NothingToConfirm, TooManyCodes."""
    code = _new_code()
    pending = WalletAddress.objects.filter(pk=address.pk, status=Status.PENDING)
    sent = pending.filter(codes_sent__lt=CODES_PER_ADDRESS).update(
        code_digest=_digest(address, code), code_sent_at=now, codes_sent=F("codes_sent") + 1, attempts=0
    )
    if not sent:
        raise TooManyCodes if pending.exists() else NothingToConfirm
    telling.send_code(address, code, minutes=CODE_MINUTES, now=now)


def confirm_address(*, address: WalletAddress, code: str, origin: Origin, now: datetime) -> WalletAddress:
    """Usable after the cooling-off. NothingToConfirm, CodeExpired, WrongCode; each try is recorded."""
    pending = WalletAddress.objects.filter(pk=address.pk, status=Status.PENDING)
    if not pending.exists():
        raise NothingToConfirm
    # Counted before it is compared, so that many tries at once are no more than the few allowed.
    fresh = pending.filter(
        attempts__lt=ATTEMPTS_PER_CODE, code_sent_at__gt=now - timedelta(minutes=CODE_MINUTES)
    )
    if not fresh.update(attempts=F("attempts") + 1):
        _refuse(address, origin, "code_expired")
        raise CodeExpired
    address.refresh_from_db()
    if not constant_time_compare(_digest(address, code), address.code_digest):
        _refuse(address, origin, "invalid_code")
        raise WrongCode
    with transaction.atomic():
        same = pending.filter(code_digest=address.code_digest)
        confirmed = same.update(status=Status.ACTIVE, usable_from=now + _cooling_off(), code_digest="")
        if not confirmed:
            raise NothingToConfirm
        address.refresh_from_db()
        _record(Action.WITHDRAWAL_ADDRESS_CONFIRM, address, origin, {"network": address.network})
        telling.withdrawal_address_confirmed(address, origin=origin, now=now)
    return address


def rename_address(*, address: WalletAddress, label: str) -> WalletAddress:
    WalletAddress.objects.filter(pk=address.pk).update(label=label)
    address.refresh_from_db()
    return address


def remove_address(*, address: WalletAddress, origin: Origin) -> None:
    """A second time changes nothing."""
    with transaction.atomic():
        removed, _per_model = WalletAddress.objects.filter(pk=address.pk).delete()
        if removed and address.is_for_withdrawals:
            detail = {"network": address.network, "address": address.address}
            _record(Action.WITHDRAWAL_ADDRESS_DELETE, address, origin, detail)


def _cooling_off() -> timedelta:
    return timedelta(hours=settings.WITHDRAWAL_COOLING_OFF_HOURS)


def _new_code() -> str:
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"


def _digest(address: WalletAddress, code: str) -> str:
    """Useless without the server's key, and for any other address."""
    return salted_hmac(f"wallets.addresses:{address.public_id}", code, algorithm="sha256").hexdigest()


def _refuse(address: WalletAddress, origin: Origin, reason: str) -> None:
    audit.record(
        Action.WITHDRAWAL_ADDRESS_CONFIRM,
        origin=origin,
        object=str(address.public_id),
        outcome=Outcome.REFUSED,
        detail={"reason": reason},
    )


def _record(action: Action, address: WalletAddress, origin: Origin, detail: dict[str, Any]) -> None:
    audit.record(action, origin=origin, object=str(address.public_id), detail=detail)
