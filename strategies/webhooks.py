"""Secret addresses through which services without headers send signals: `/hooks/cth_…`."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from accounts.token_store import ALPHABET
from compliance import audit
from compliance.audit import Origin
from compliance.models import Action, Outcome
from rest import codes
from rest.errors import Conflict
from strategies.models import Strategy, Webhook
from strategies.services import STRATEGY_CLOSED, lock_strategy

TOO_MANY_WEBHOOKS = codes.declare(
    "too_many_webhooks", "This strategy has 20 webhooks already: revoke one that is no longer needed."
)
START = "cth_"
RANDOM_LENGTH, PREFIX_LENGTH = 32, 10
FORM = re.compile(rf"{START}[0-9A-Za-z]{{{RANDOM_LENGTH}}}", re.ASCII)
MOST_PER_STRATEGY = 20
# `last_used_at` is told to the minute: one write per webhook in this time, not one per delivery.
USE_NOTED_EVERY = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Created:
    """A new webhook; the only moment at which its secret exists here."""

    webhook: Webhook
    secret: str = field(repr=False)


def create_webhook(*, strategy: Strategy, origin: Origin, now: datetime) -> Created:
    """One more address of this strategy, which may be a draft still."""
    secret = START + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    with transaction.atomic(durable=True):
        locked = lock_strategy(strategy.pk)
        if locked.status == Strategy.Status.CLOSED:
            raise Conflict(STRATEGY_CLOSED)
        if Webhook.objects.filter(strategy=locked, revoked_at=None).count() >= MOST_PER_STRATEGY:
            raise Conflict(TOO_MANY_WEBHOOKS)
        webhook = Webhook.objects.create(
            strategy=locked, prefix=secret[:PREFIX_LENGTH], digest=_digest(secret), created_at=now
        )
        detail = {"strategy": str(locked.public_id), "prefix": webhook.prefix}
        audit.record(Action.WEBHOOK_CREATE, origin=origin, object=str(webhook.public_id), detail=detail)
    return Created(webhook, secret)


def revoke_webhook(*, webhook: Webhook, origin: Origin, now: datetime) -> bool:
    """Make the address useless at once; False if it was already."""
    with transaction.atomic(durable=True):
        revoked = Webhook.objects.filter(pk=webhook.pk, revoked_at=None).update(revoked_at=now) == 1
        if revoked:
            audit.record(Action.WEBHOOK_REVOKE, origin=origin, object=str(webhook.public_id))
    return revoked


def find_usable(secret: str) -> Webhook | None:
    """The webhook behind this address, None if there is none or it was revoked.

    Whatever the text, the work is the same: one digest, one look-up.
    """
    digest = _digest(secret)
    rows = Webhook.objects.usable().select_related("strategy__owner", "strategy__exchange_account")
    webhook = rows.filter(digest=digest).first()
    if webhook is None or not hmac.compare_digest(webhook.digest, digest):
        return None
    return webhook


def note_use(webhook: Webhook, *, now: datetime) -> None:
    """Remember that the address was used, to the minute."""
    if webhook.last_used_at is None or webhook.last_used_at <= now - USE_NOTED_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_NOTED_EVERY)
        Webhook.objects.filter(stale, pk=webhook.pk).update(last_used_at=now)


def record_delivery(*, webhook: Webhook, client_signal_id: str, origin: Origin) -> None:
    """Put on record who asks for a signal, before it is carried out."""
    detail = {"client_signal_id": client_signal_id}
    audit.record(Action.WEBHOOK_USE, origin=origin, object=str(webhook.public_id), detail=detail)


def record_failure(*, origin: Origin) -> None:
    """Put on record that somebody tried an address that does not exist, or not any more."""
    audit.record(Action.WEBHOOK_FAILURE, origin=origin, outcome=Outcome.REFUSED)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
