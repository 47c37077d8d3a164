"""Going through the whole chain, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from django.db import connection, transaction
from django.db.models import Q

from compliance.chain import SEALED_COLUMNS, Broken, Sealed, Walk
from compliance.models import AuditCheckpoint, AuditHead, AuditLink, AuditLinkQuerySet, AuditRecord
from compliance.signing import is_signed_checkpoint, is_signed_head

CHUNK = 2000


@dataclass(frozen=True, slots=True)
class GivenHead:
    """A head that went out, in a mail or with an export: what came after it cannot change it."""

    sequence: int
    hash: bytes

    @classmethod
    def from_text(cls, text: str) -> Self:
        """`SEQUENCE:HASH`; ValueError otherwise."""
        sequence, _, digest = text.partition(":")
        return cls(int(sequence), bytes.fromhex(digest))


@dataclass(frozen=True, slots=True)
class Verified:
    records: int
    unsealed: int


def verify(given: Sequence[GivenHead] = ()) -> Verified:
    """Check every record that is sealed; Broken tells the first that is wrong."""
    with transaction.atomic(durable=True):
        # One view of everything, while others go on sealing and purging.
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        head = AuditHead.objects.now()
        walk = start_of_chain()
        first = walk.sequence + 1
        expected = {one.sequence: one.hash for one in given if one.sequence >= first}
        for sealed in sealed_records(AuditLink.objects.all()):
            walk.take(sealed)
            if expected.pop(walk.sequence, walk.hash) != walk.hash:
                raise Broken(walk.sequence, "another head was given out for it")
        _check_end(head, walk)
        if expected:
            raise Broken(walk.sequence + 1, f"a head was given out for {max(expected)}: the end is cut off")
        _check_beside(head)
        return Verified(walk.records, AuditRecord.objects.not_sealed(head).count())


def start_of_chain() -> Walk:
    """Before the first record that is still here; Broken if the checkpoint there is not ours."""
    checkpoint = AuditCheckpoint.objects.latest_one()
    if checkpoint is None:
        return Walk()
    digest = bytes(checkpoint.hash)
    if not is_signed_checkpoint(checkpoint.sequence, digest, bytes(checkpoint.signature)):
        raise Broken(checkpoint.sequence, "the signature of the checkpoint there is not ours")
    return Walk(checkpoint.sequence, digest)


def sealed_records(links: AuditLinkQuerySet) -> Iterator[Sealed]:
    """In the order of the chain, from a cursor of the database."""
    rows = links.order_by("sequence").values_list(*SEALED_COLUMNS)
    return map(Sealed.from_row, rows.iterator(chunk_size=CHUNK))


def _check_end(head: AuditHead, walk: Walk) -> None:
    if walk.sequence < head.sequence:
        raise Broken(walk.sequence + 1, f"the end up to {head.sequence} is cut off")
    if walk.sequence > head.sequence:
        raise Broken(head.sequence + 1, "it was added after the signed head")
    if walk.hash != bytes(head.hash):
        raise Broken(walk.sequence, "the signed head has another hash")
    if head.sequence and not is_signed_head(head.sequence, walk.hash, bytes(head.signature)):
        raise Broken(walk.sequence, "the signature of the head is not ours")


def _check_beside(head: AuditHead) -> None:
    """Nothing may lie behind the place up to which all was sealed."""
    behind = Q(xid__lt=head.xid) | Q(xid=head.xid, id__lte=head.record_id)
    aside = AuditRecord.objects.filter(link=None).filter(behind | Q(id__lte=head.restored_until))
    stranger = aside.exclude(pk__in=AuditRecord.objects.kept_nonces()).order_by("id").first()
    if stranger is not None:
        last = AuditLink.objects.filter(record_id__lt=stranger.pk).order_by("-record_id").first()
        reason = f"after it the record {stranger.public_id} was added beside the chain"
        raise Broken(last.sequence if last else 0, reason)
