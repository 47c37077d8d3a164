"""Chaining what was recorded: the acts only insert rows, one process at a time links them afterwards.

Rows are taken in the order (transaction, id) and only below the oldest transaction that is still running: no
row can appear later among those that were taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import islice

from django.db import connection, transaction
from django.db.models import Max

from compliance.chain import Facts, Sealed, seal_one
from compliance.models import ALL_ENDED_BELOW, AuditHead, AuditRecord, AuditRecordQuerySet
from compliance.signing import sign_head

BATCH = 5000
COPY = """COPY compliance_auditlink (sequence, record_id, salt, personal, previous_hash, hash)
FROM STDIN WITH (FORMAT BINARY)"""


def seal(*, now: datetime) -> int:
    """Link what waits; the number of records. Nothing, while another process is at it."""
    sealed = 0
    while (batch := _seal_batch(now)) > 0:
        sealed += batch
        if batch < BATCH:
            break
    return sealed


def seal_after_start(*, now: datetime) -> int:
    """The same, by a process that has just started: a backup may have been restored before.

    The records of the backup have transaction numbers of another server, which may be above all that this one
    will give for years. They are sealed first; after them, counting begins anew.
    """
    with transaction.atomic(durable=True):
        head = AuditHead.objects.locked_if_free()
        if head is None:
            return 0
        until = AuditRecord.objects.from_another_server(head).aggregate(last=Max("id"))["last"]
        if until is None:
            sealed = 0
        else:
            waiting = AuditRecord.objects.filter(id__lte=until, id__gt=head.restored_until, link=None)
            sealed = _link(head, waiting.order_by("id"), now)
            head.restored_until, head.xid, head.record_id = until, 0, 0
            head.save()
    return sealed + seal(now=now)


def _seal_batch(now: datetime) -> int:
    with transaction.atomic(durable=True):
        head = AuditHead.objects.locked_if_free()
        if head is None:
            return 0
        ended = AuditRecord.objects.not_sealed(head).filter(xid__lt=ALL_ENDED_BELOW)
        return _link(head, ended.order_by("xid", "id")[:BATCH], now)


def _link(head: AuditHead, records: AuditRecordQuerySet, now: datetime) -> int:
    """Write the links of these records and the new head, which is locked."""
    sequence, digest = head.sequence, bytes(head.hash)
    last: Facts | None = None
    count = 0
    rows = map(Facts._make, records.values_list(*Facts._fields).iterator(chunk_size=BATCH))
    while piece := list(islice(rows, BATCH)):
        links = []
        for last in piece:
            link = seal_one(last, sequence=sequence + 1, previous_hash=digest)
            sequence, digest = link.sequence, link.hash
            links.append(link)
        _copy(links)
        count += len(links)
    if last is not None:
        head.sequence, head.hash, head.signature = sequence, digest, sign_head(sequence, digest)
        head.xid, head.record_id, head.at = last.xid, last.id, now
        head.save()
    return count


def _copy(links: Sequence[Sealed]) -> None:
    with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        copy.set_types(["int8", "int8", "bytea", "bytea", "bytea", "bytea"])
        for link in links:
            copy.write_row(
                (link.sequence, link.facts.id, link.salt, link.personal, link.previous_hash, link.hash)
            )
