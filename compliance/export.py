"""A run of the chain as a file that verifies by itself, streamed in constant memory."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Max, Min

from compliance.canonical import canonical_json
from compliance.chain import FIELDS, Sealed, shown_form
from compliance.models import AuditHead, AuditLink, AuditLinkQuerySet
from compliance.signing import is_signed_head, public_key, sign_head
from compliance.verification import sealed_records
from rest.csv_cells import neutralised

CHUNK = 2000
VERIFY = (
    "Check this file with: python docs/verify_audit_export.py FILE. Each record's hash is the SHA-256 of "
    "its canonical JSON (RFC 8785) without hash, ip, user_agent and salt; personal is the SHA-256 of salt "
    "and the canonical JSON of ip and user_agent. previous_hash is the hash of the record before. The head "
    "is the last record. Compare its public key with the one in the mails to auditors, and keep the head: "
    "later exports must still contain it."
)


@dataclass(frozen=True, slots=True)
class Run:
    """The records from `first` to `last`, and the signed head; all empty where nothing matches."""

    first: int
    last: int
    head: dict[str, Any] | None


class _Line:
    """What csv.writer writes to: gives the line back."""

    def write(self, line: str) -> str:
        return line


def run_of(matching: AuditLinkQuerySet) -> Run:
    """The whole chain from the first to the last match: a chain with holes cannot be verified."""
    ends = matching.aggregate(first=Min("sequence"), last=Max("sequence"))
    if ends["first"] is None:
        return Run(1, 0, None)
    digest = bytes(AuditLink.objects.values_list("hash", flat=True).get(sequence=ends["last"]))
    head = {
        "sequence": ends["last"],
        "hash": digest.hex(),
        "signature": sign_head(ends["last"], digest).hex() if _is_sealed(ends["last"], digest) else "",
        "public_key": public_key(),
    }
    return Run(ends["first"], ends["last"], head)


def _is_sealed(sequence: int, digest: bytes) -> bool:
    """Whether this may be the end: what an insider put there must not get a signature by being exported."""
    head = AuditHead.objects.now()
    if sequence < head.sequence:
        return True
    return digest == bytes(head.hash) and is_signed_head(sequence, digest, bytes(head.signature))


def as_json(run: Run) -> Iterator[str]:
    yield f'{{"verify": {json.dumps(VERIFY)},\n"head": {json.dumps(run.head)},\n"records": ['
    separator = "\n"
    for sealed in _records(run):
        yield separator + json.dumps(shown_form(sealed), ensure_ascii=False)
        separator = ",\n"
    yield "\n]}\n"


def as_csv(run: Run) -> Iterator[str]:
    yield f"# {VERIFY}\r\n# head: {json.dumps(run.head)}\r\n"
    writer = csv.writer(_Line())
    yield writer.writerow(FIELDS)
    for sealed in _records(run):
        yield writer.writerow([_cell(value) for value in shown_form(sealed).values()])


def _records(run: Run) -> Iterator[Sealed]:
    """In short queries: a download may take hours, a transaction must not."""
    for first in range(run.first, run.last + 1, CHUNK):
        last = min(first + CHUNK - 1, run.last)
        yield from list(sealed_records(AuditLink.objects.between(first, last)))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return canonical_json(value)
    return neutralised(value) if isinstance(value, str) else str(value)
