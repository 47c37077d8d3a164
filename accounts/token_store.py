"""Access tokens: `ctp_`, 32 random characters, and a checksum that a typing error or a scanner fails."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from accounts import telling
from accounts.models import AccessToken, User
from compliance import audit
from compliance.audit import Origin
from compliance.models import Action

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
START = "ctp_"
RANDOM_LENGTH, CHECKSUM_LENGTH, PREFIX_LENGTH = 32, 6, 10
FORM = re.compile(rf"{START}[0-9A-Za-z]{{{RANDOM_LENGTH + CHECKSUM_LENGTH}}}", re.ASCII)
# `last_used_at` is told to the minute: one write per token in this time, not one per request.
USE_NOTED_EVERY = timedelta(seconds=30)
EXPIRY_TOLD_BEFORE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token; the only moment at which its text exists here."""

    token: AccessToken
    text: str = field(repr=False)


def issue_token(
    *,
    user: User,
    name: str,
    scopes: Sequence[str],
    expires_at: datetime | None,
    allowed_ips: Sequence[str] = (),
    origin: Origin,
) -> Issued:
    """A new token of this person, valid from `allowed_ips` (networks; none: from everywhere)."""
    text = _new_text()
    with transaction.atomic():
        token = AccessToken.objects.create(
            user=user,
            name=name,
            prefix=text[:PREFIX_LENGTH],
            digest=_digest(text),
            # As they were asked for, each once.
            scopes=list(dict.fromkeys(scopes)),
            expires_at=expires_at,
            allowed_ips=list(allowed_ips),
        )
        audit.record(
            Action.TOKEN_ISSUE,
            origin=origin,
            object=str(token.public_id),
            detail={"name": name, "scopes": token.scopes},
        )
        telling.token_issued(token, origin=origin, now=token.created_at)
    return Issued(token, text)


def revoke_token(*, user: User, token: AccessToken, origin: Origin, now: datetime) -> bool:
    """Make one of the person's own tokens useless at once; False if it is not theirs or was revoked."""
    with transaction.atomic():
        own = AccessToken.objects.owned_by(user.pk).filter(pk=token.pk, revoked_at=None)
        revoked = own.update(revoked_at=now) == 1
        if revoked:
            audit.record(Action.TOKEN_REVOKE, origin=origin, object=str(token.public_id))
    return revoked


def revoke_all(*, user: User, origin: Origin, now: datetime) -> int:
    """Make all of the person's tokens useless at once; how many were not yet."""
    with transaction.atomic():
        living = AccessToken.objects.owned_by(user.pk).filter(revoked_at=None).select_for_update()
        tokens = list(living.order_by("pk"))
        AccessToken.objects.filter(pk__in=[token.pk for token in tokens]).update(revoked_at=now)
        for token in tokens:
            audit.record(Action.TOKEN_REVOKE, origin=origin, object=str(token.public_id))
    return len(tokens)


def tell_of_expiry(*, now: datetime) -> int:
    """Tell each person once of a token that expires soon; how many. Killed, it goes on where it was."""
    told = 0
    for token in AccessToken.objects.expiring(now=now, before=now + EXPIRY_TOLD_BEFORE):
        with transaction.atomic():
            if AccessToken.objects.filter(pk=token.pk, expiry_told_at=None).update(expiry_told_at=now):
                telling.token_expires(token, now=now)
                told += 1
    return told


def find_by_text(text: str) -> AccessToken | None:
    """The token with this text, usable or not. A wrong checksum does not reach the database."""
    if not is_well_formed(text):
        return None
    digest = _digest(text)
    token = AccessToken.objects.select_related("user").filter(digest=digest).first()
    if token is None or not hmac.compare_digest(token.digest, digest):
        return None
    return token


def find_by_id(public_id: UUID) -> AccessToken | None:
    return AccessToken.objects.filter(public_id=public_id).first()


def is_usable(token: AccessToken, *, now: datetime) -> bool:
    """Neither revoked nor expired, of a person who may still log in."""
    expired = token.expires_at is not None and token.expires_at <= now
    return token.revoked_at is None and not expired and token.user.is_active


def note_use(token: AccessToken, *, now: datetime) -> None:
    """Remember that the token was used, to the minute."""
    if token.last_used_at is None or token.last_used_at <= now - USE_NOTED_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_NOTED_EVERY)
        AccessToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)


def is_well_formed(text: str) -> bool:
    """Whether form and checksum are right."""
    if not FORM.fullmatch(text):
        return False
    return hmac.compare_digest(text[-CHECKSUM_LENGTH:], _checksum(text[:-CHECKSUM_LENGTH]))


def _new_text() -> str:
    body = START + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    return body + _checksum(body)


def _checksum(body: str) -> str:
    """The CRC-32 of everything before, in base 62, zero-padded."""
    number = zlib.crc32(body.encode("ascii"))
    digits = ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("ascii")).hexdigest()
