"""What an insider does in the database with the triggers off is found there, and in an export of it."""

import pytest
from django.core.management import CommandError, call_command

from compliance import audit
from compliance.chain import SEALED_COLUMNS, Facts, Sealed, seal_one
from compliance.models import Action, AuditLink, AuditRecord
from tests.compliance.conftest import PERSON, as_insider, record_some, seal_everything
from tests.compliance.test_audit_api import auditor, auditor_api, body_of, verify

__all__ = ["auditor", "auditor_api"]


@pytest.fixture
def filled(transactional_db, auditor_api):
    record_some(5)
    seal_everything()
    return auditor_api


def sealed(sequence):
    row = AuditLink.objects.values_list(*SEALED_COLUMNS).get(sequence=sequence)
    return Sealed.from_row(row)


def forge(sequence, facts, previous_hash):
    """As the sealer would have written it: the hashes need no secret."""
    link = seal_one(facts, sequence=sequence, previous_hash=previous_hash)
    row = {name: value for name, value in link._asdict().items() if name not in {"sequence", "facts"}}
    AuditLink.objects.update_or_create(sequence=sequence, defaults={**row, "record_id": facts.id})
    return link.hash


def edit(last):
    AuditRecord.objects.filter(pk=sealed(3).facts.id).update(object="another")
    return 3


def delete(last):
    AuditRecord.objects.filter(pk=sealed(3).facts.id).delete()
    return 3


def swap(last):
    two, three = sealed(2).facts.id, sealed(3).facts.id
    for sequence, record in ((2, -1), (3, two), (2, three)):
        AuditLink.objects.filter(sequence=sequence).update(record_id=record)
    return 2


def append(last):
    audit.record(Action.EXPORT, origin=PERSON, object="never happened")
    added = AuditRecord.objects.values_list(*Facts._fields).latest("pk")
    forge(last + 1, Facts._make(added), sealed(last).hash)
    return last + 1


def rewrite(last):
    """The third record and, so that all fits again, everything after it."""
    edit(last)
    previous_hash = sealed(2).hash
    for sequence in range(3, last + 1):
        previous_hash = forge(sequence, sealed(sequence).facts, previous_hash)
    return last


@pytest.mark.parametrize("tamper", [edit, delete, swap, append, rewrite])
def test_what_an_insider_did_in_the_database_is_named_by_the_command_and_in_an_export(
    filled, tmp_path, tamper
):
    last = AuditLink.objects.count()
    with as_insider():
        broken = tamper(last)
    with pytest.raises(CommandError, match=f"Broken at sequence {broken}:"):
        call_command("verify_audit_chain")
    for form in ("csv", "json"):
        code, told = verify(body_of(filled.get(f"/api/v1/audit/export?format={form}")), tmp_path=tmp_path)
        assert (code, told.split(":")[0]) == (1, f"Broken at sequence {broken}")
