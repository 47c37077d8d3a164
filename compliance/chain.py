"""What a record's hash is over; `docs/verify_audit_export.py` says the same without this platform."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self
from uuid import UUID

from compliance.canonical import canonical_json

SALT_BYTES = 16
GENESIS = bytes(32)


class Facts(NamedTuple):
    """A record as it is read for its hash; the names are those of its columns."""

    id: int
    xid: int
    public_id: UUID
    at: datetime
    actor: str
    action: str
    object: str
    outcome: str
    ip: str | None
    user_agent: str | None
    request_id: str
    token_id: UUID | None
    nonce: str
    detail: dict[str, Any]


class Sealed(NamedTuple):
    """A record with its place in the chain."""

    sequence: int
    salt: bytes | None
    personal: bytes
    previous_hash: bytes
    hash: bytes
    facts: Facts

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> Self:
        """Of `SEALED_COLUMNS`."""
        sequence, salt, personal, previous_hash, digest = row[:5]
        return cls(
            sequence,
            None if salt is None else bytes(salt),
            bytes(personal),
            bytes(previous_hash),
            bytes(digest),
            Facts._make(row[5:]),
        )


SEALED_COLUMNS = (*Sealed._fields[:-1], *(f"record__{name}" for name in Facts._fields))


class Broken(Exception):
    """The first record at which the chain does not hold."""

    def __init__(self, sequence: int, reason: str) -> None:
        super().__init__(f"Broken at sequence {sequence}: {reason}.")
        self.sequence = sequence


def seal_one(facts: Facts, *, sequence: int, previous_hash: bytes) -> Sealed:
    salt = secrets.token_bytes(SALT_BYTES)
    personal = personal_digest(salt, ip=facts.ip, user_agent=facts.user_agent)
    digest = record_hash(facts, sequence=sequence, personal=personal, previous_hash=previous_hash)
    return Sealed(sequence, salt, personal, previous_hash, digest, facts)


def record_hash(facts: Facts, *, sequence: int, personal: bytes, previous_hash: bytes) -> bytes:
    form = hashed_form(facts, sequence=sequence, personal=personal, previous_hash=previous_hash)
    return hashlib.sha256(canonical_json(form).encode()).digest()


def personal_digest(salt: bytes, *, ip: str | None, user_agent: str | None) -> bytes:
    text = canonical_json({"ip": ip, "user_agent": user_agent})
    return hashlib.sha256((salt.hex() + text).encode()).digest()


def hashed_form(facts: Facts, *, sequence: int, personal: bytes, previous_hash: bytes) -> dict[str, Any]:
    """All that the hash is over."""
    return {
        "sequence": sequence,
        "id": str(facts.public_id),
        "at": facts.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "actor": facts.actor,
        "action": facts.action,
        "object": facts.object,
        "outcome": facts.outcome,
        "request_id": facts.request_id,
        "token_id": None if facts.token_id is None else str(facts.token_id),
        "nonce": facts.nonce,
        "detail": facts.detail,
        "personal": personal.hex(),
        "previous_hash": previous_hash.hex(),
    }


def shown_form(sealed: Sealed) -> dict[str, Any]:
    """A record as lists and exports show it, in the contract's order."""
    facts = sealed.facts
    form = hashed_form(
        facts, sequence=sealed.sequence, personal=sealed.personal, previous_hash=sealed.previous_hash
    )
    shown = form | {
        "ip": facts.ip,
        "user_agent": facts.user_agent,
        "salt": None if sealed.salt is None else sealed.salt.hex(),
        "hash": sealed.hash.hex(),
    }
    return {name: shown[name] for name in FIELDS}


FIELDS = (
    "sequence",
    "id",
    "at",
    "actor",
    "action",
    "object",
    "outcome",
    "ip",
    "user_agent",
    "request_id",
    "token_id",
    "nonce",
    "detail",
    "salt",
    "personal",
    "previous_hash",
    "hash",
)


@dataclass
class Walk:
    """Goes along the chain, from a record whose hash is known."""

    sequence: int = 0
    hash: bytes = GENESIS
    records: int = 0

    def take(self, sealed: Sealed) -> None:
        """The next record; Broken if it is not the one that was sealed."""
        expected = self.sequence + 1
        if sealed.sequence != expected:
            raise Broken(expected, "this record is missing")
        if sealed.previous_hash != self.hash:
            raise Broken(expected, "it does not follow the record before it")
        facts = sealed.facts
        if sealed.salt is None:
            if facts.ip is not None or facts.user_agent is not None:
                raise Broken(expected, "address and program came back after they were erased")
        elif personal_digest(sealed.salt, ip=facts.ip, user_agent=facts.user_agent) != sealed.personal:
            raise Broken(expected, "address or program is not what was sealed")
        counted = record_hash(
            facts, sequence=expected, personal=sealed.personal, previous_hash=sealed.previous_hash
        )
        if counted != sealed.hash:
            raise Broken(expected, "its contents are not what was sealed")
        self.sequence, self.hash = expected, sealed.hash
        self.records += 1
