"""The record with its chain; sealing sees only what is committed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest
from django.db import connection
from django.utils import timezone

from compliance import audit, sealing
from compliance.audit import Origin
from compliance.models import Action, AuditLink, unsealed

PERSON = Origin(actor="0199a6f2-7c1e-7d30-9b51-3f1f6a0c2a11", ip="192.0.2.7", user_agent="bot/1")


def seal_everything() -> None:
    """Another test's transaction on the same server may hold the sealing up for a moment."""
    deadline = time.monotonic() + 20
    while True:
        sealing.seal(now=timezone.now())
        if unsealed() == 0:
            return
        assert time.monotonic() < deadline, f"{unsealed()} records are still not sealed"
        time.sleep(0.02)


def record_some(count: int) -> None:
    for number in range(count):
        audit.record(Action.EXPORT, origin=PERSON, object=f"trades {number}", detail={"rows": number})


@pytest.fixture
def chain(transactional_db) -> list[AuditLink]:
    """Five records, sealed in two goes."""
    record_some(3)
    seal_everything()
    record_some(2)
    seal_everything()
    return list(AuditLink.objects.select_related("record").order_by("sequence"))


@contextlib.contextmanager
def as_insider() -> Iterator[None]:
    """Somebody who may switch the triggers off."""
    tables = ("compliance_auditrecord", "compliance_auditlink", "compliance_auditcheckpoint")
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        try:
            yield
        finally:
            for table in tables:
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
