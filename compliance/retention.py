"""Removing what is older than it has to be kept, so that the rest still verifies."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from compliance import audit
from compliance.audit import SYSTEM
from compliance.chain import Sealed
from compliance.models import Action, AuditHead, AuditLink, AuditRecord
from compliance.signing import sign_checkpoint
from compliance.verification import sealed_records, start_of_chain

BATCH = 2000
# Which of these tokens may still be used; this app does not know tokens.
LivingTokens = Callable[[Collection[UUID]], Collection[UUID]]


@dataclass(frozen=True, slots=True)
class Purged:
    records: int
    upto: int


def keep_from(now: datetime) -> datetime:
    """What is older has been kept long enough."""
    try:
        return now - timedelta(days=settings.AUDIT_RETENTION_DAYS)
    except OverflowError:  # Longer than there are dates.
        return datetime.min.replace(tzinfo=UTC)


def count_old(*, now: datetime) -> int:
    """How many records `purge` would remove."""
    oldest_kept = keep_from(now)
    moments = AuditLink.objects.order_by("sequence").values_list("record__at", flat=True)
    return sum(1 for _ in takewhile(lambda at: at < oldest_kept, moments.iterator(chunk_size=BATCH)))


def purge(*, now: datetime, living: LivingTokens) -> Purged:
    """Remove old records from the beginning of the chain, batch by batch; Broken if one was tampered with.

    Of a living token's nonces it stays known that they are spent.
    """
    removed, upto = 0, 0
    while batch := _purge_batch(now, living):
        removed, upto = removed + len(batch), batch[-1].sequence
    _forget_nonces_of_dead_tokens(living)
    if removed:
        audit.record(Action.AUDIT_PURGE, origin=SYSTEM, detail={"records": removed, "up_to": upto})
    return Purged(removed, upto)


def _purge_batch(now: datetime, living: LivingTokens) -> Sequence[Sealed]:
    oldest_kept = keep_from(now)
    with transaction.atomic(durable=True):
        AuditHead.objects.locked()
        # Nothing that was tampered with goes unseen because its time was over.
        walk = start_of_chain()
        oldest = sealed_records(AuditLink.objects.filter(sequence__lte=walk.sequence + BATCH))
        batch = list(takewhile(lambda sealed: sealed.facts.at < oldest_kept, oldest))
        for sealed in batch:
            walk.take(sealed)
        if batch:
            spent = {one.facts.token_id for one in batch if one.facts.action == Action.NONCE_USE}
            kept = list(living({token for token in spent if token is not None}))
            signature = sign_checkpoint(walk.sequence, walk.hash)
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT purge_audit(%s, %s, %s, %s, %s)", [walk.sequence, walk.hash, signature, kept, now]
                )
    return batch


def _forget_nonces_of_dead_tokens(living: LivingTokens) -> None:
    kept = AuditRecord.objects.kept_nonces().values_list("token_id", flat=True).distinct()
    tokens = {token for token in kept if token is not None}
    dead = tokens - set(living(tokens))
    if dead:
        with connection.cursor() as cursor:
            cursor.execute("SELECT forget_audit_nonces(%s)", [list(dead)])
