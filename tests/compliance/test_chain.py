"""What was recorded is chained once, in the order of its commits; who changes it afterwards is found."""

import contextlib
import hashlib
import io
import itertools
import json
import threading
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.utils import timezone

from compliance import audit, sealing
from compliance.audit import SYSTEM
from compliance.chain import SEALED_COLUMNS, Sealed, shown_form
from compliance.models import Action, AuditHead, AuditLink, AuditRecord, unsealed
from compliance.services import erase_personal
from tests.compliance.conftest import PERSON, as_insider, record_some, seal_everything


def verify(*arguments):
    out = io.StringIO()
    call_command("verify_audit_chain", *arguments, stdout=out)
    return out.getvalue()


def run(sql, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


WHO = UUID(PERSON.actor)
ADD_RECORD = """
INSERT INTO compliance_auditrecord
    (public_id, at, actor, action, object, outcome, user_agent, request_id, nonce, detail, xid)
VALUES (gen_random_uuid(), now(), '', 'export', 'added', 'success', '', '', '', '{{}}', {xid})"""

ADD_LATER = ADD_RECORD.format(xid="(SELECT max(xid) + 1 FROM compliance_auditrecord)")


@contextlib.contextmanager
def everything_put_back():
    for table in ("record", "link", "head"):
        run(f"CREATE TEMP TABLE kept_{table} AS TABLE compliance_audit{table}")
    try:
        yield
    finally:
        for table in ("record", "link", "head"):
            run(f"DELETE FROM compliance_audit{table}")  # noqa: S608 - names from above
            run(f"INSERT INTO compliance_audit{table} TABLE kept_{table}")
            run(f"DROP TABLE kept_{table}")


def test_one_go_seals_as_many_batches_as_wait(transactional_db, monkeypatch):
    seal_everything()
    monkeypatch.setattr(sealing, "BATCH", 2)
    record_some(5)
    goes = []
    # Another test's transaction on the same server may hold all of them up for a moment.
    while unsealed():
        goes.append(sealing.seal(now=timezone.now()))
    assert (sum(goes), max(goes)) == (5, 5)


def test_each_record_follows_the_one_before_it(chain):
    assert [link.sequence for link in chain] == [1, 2, 3, 4, 5]
    assert bytes(chain[0].previous_hash) == bytes(32)
    assert all(bytes(a.hash) == bytes(b.previous_hash) for a, b in itertools.pairwise(chain))
    assert verify() == "5 records checked, 0 not sealed yet.\n"


def test_the_hash_is_what_the_contract_says(chain):
    row = AuditLink.objects.values_list(*SEALED_COLUMNS).get(sequence=2)
    shown = shown_form(Sealed.from_row(row))
    hashed = {
        name: value for name, value in shown.items() if name not in {"hash", "ip", "user_agent", "salt"}
    }
    text = json.dumps(hashed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert shown["hash"] == hashlib.sha256(text.encode()).hexdigest()
    personal = shown["salt"] + '{"ip":"192.0.2.7","user_agent":"bot/1"}'
    assert shown["personal"] == hashlib.sha256(personal.encode()).hexdigest()


def test_what_is_not_sealed_yet_is_counted(chain):
    record_some(2)
    assert verify() == "5 records checked, 2 not sealed yet.\n"


def test_a_record_whose_transaction_is_still_running_keeps_its_place(transactional_db):
    """The one that began first and ended last must not be skipped."""
    began, may_end = threading.Event(), threading.Event()

    def slow():
        with transaction.atomic():
            audit.record(Action.EXPORT, origin=SYSTEM, object="slow")
            began.set()
            may_end.wait(10)
        connections.close_all()

    thread = threading.Thread(target=slow)
    thread.start()
    assert began.wait(10)
    audit.record(Action.EXPORT, origin=SYSTEM, object="quick")
    assert sealing.seal(now=timezone.now()) == 0
    may_end.set()
    thread.join()
    seal_everything()
    sealed = AuditLink.objects.order_by("sequence").values_list("record__object", flat=True)
    assert list(sealed) == ["slow", "quick"]


def test_two_sealers_at_once_link_each_record_once(transactional_db):
    record_some(20)

    def work():
        sealing.seal(now=timezone.now())
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seal_everything()
    assert verify().startswith("20 records checked")


def test_while_another_process_seals_nobody_waits_for_it(transactional_db):
    record_some(1)
    seal_everything()
    record_some(2)
    found: list[int] = []

    def meanwhile():
        found.extend((sealing.seal(now=timezone.now()), sealing.seal_after_start(now=timezone.now())))
        connections.close_all()

    with transaction.atomic():
        assert AuditHead.objects.locked_if_free() is not None
        other = threading.Thread(target=meanwhile)
        other.start()
        other.join(20)
        assert found == [0, 0]
    assert sealing.seal(now=timezone.now()) == 2


def test_a_sealer_that_dies_leaves_no_half_of_a_batch(transactional_db, monkeypatch):
    record_some(3)

    def die(sequence, digest):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(sealing, "sign_head", die)
        seal_everything()
    assert AuditLink.objects.count() == 0
    seal_everything()
    assert verify().startswith("3 records checked")


def test_records_of_a_restored_backup_do_not_hold_up_new_ones(chain):
    """The other server had come further in its transaction numbers."""
    with as_insider():
        run("UPDATE compliance_auditrecord SET xid = xid + 1000000000")
        run("UPDATE compliance_audithead SET xid = xid + 1000000000")
    run(ADD_LATER)
    assert sealing.seal_after_start(now=timezone.now()) == 1
    record_some(2)
    seal_everything()
    assert sealing.seal_after_start(now=timezone.now()) == 0
    assert verify() == "8 records checked, 0 not sealed yet.\n"


EDITS = {
    "a word changed": ("UPDATE compliance_auditrecord SET object = 'other' WHERE id = %(third)s", 3),
    "its address changed": ("UPDATE compliance_auditrecord SET ip = '192.0.2.8' WHERE id = %(third)s", 3),
    "its detail changed": ("UPDATE compliance_auditrecord SET detail = '{}' WHERE id = %(third)s", 3),
    "its salt removed": ("UPDATE compliance_auditlink SET salt = NULL WHERE sequence = 3", 3),
    "the record removed": ("DELETE FROM compliance_auditrecord WHERE id = %(third)s", 3),
    "the link removed": ("DELETE FROM compliance_auditlink WHERE sequence = 3", 3),
    "two records swapped": (
        "UPDATE compliance_auditlink SET record_id = -sequence WHERE sequence IN (2, 3);"
        "UPDATE compliance_auditlink SET record_id = %(third)s WHERE sequence = 2;"
        "UPDATE compliance_auditlink SET record_id = %(second)s WHERE sequence = 3",
        2,
    ),
    "the beginning cut off": ("DELETE FROM compliance_auditlink WHERE sequence <= 2", 1),
    "the last record removed": ("DELETE FROM compliance_auditrecord WHERE id = %(fifth)s", 5),
    "the end cut off": (
        "DELETE FROM compliance_auditlink WHERE sequence >= 4;"
        "DELETE FROM compliance_auditrecord WHERE id >= %(fourth)s",
        4,
    ),
    "the end cut off, and the head set back": (
        "UPDATE compliance_audithead h SET sequence = 3, hash = l.hash"
        " FROM compliance_auditlink l WHERE l.sequence = 3;"
        "DELETE FROM compliance_auditlink WHERE sequence >= 4;"
        "DELETE FROM compliance_auditrecord WHERE id >= %(fourth)s",
        3,
    ),
    "everything removed but the head": ("DELETE FROM compliance_auditlink", 1),
    "a record added beside the chain": (ADD_RECORD.format(xid=3), 5),
    "a link added at the end": (
        f"{ADD_LATER};"  # noqa: S608 - made above
        "INSERT INTO compliance_auditlink SELECT 6, salt, personal, hash, hash,"
        " (SELECT max(id) FROM compliance_auditrecord) FROM compliance_auditlink WHERE sequence = 5",
        6,
    ),
}


def test_tampering_is_found_and_named(chain):
    words = ("first", "second", "third", "fourth", "fifth")
    keys = {word: link.record_id for word, link in zip(words, chain, strict=True)}
    with as_insider():
        for name, (statements, sequence) in EDITS.items():
            with everything_put_back():
                for statement in statements.split(";"):
                    with connection.cursor() as cursor:
                        cursor.execute(statement, keys)
                with pytest.raises(CommandError) as found:
                    verify()
                assert str(found.value).startswith(f"Broken at sequence {sequence}:"), name
        assert verify().startswith("5 records checked")


def test_an_end_that_was_cut_off_with_its_head_is_found_by_the_head_that_was_given_out(transactional_db):
    """An insider who kept the older, signed head can put it back."""
    record_some(3)
    seal_everything()
    older = AuditHead.objects.values().get()
    record_some(2)
    seal_everything()
    given = str(AuditHead.objects.get()).replace(" ", ":")
    assert verify("--head", given).startswith("5 records")
    with as_insider():
        run("DELETE FROM compliance_auditlink WHERE sequence > 3")
        run("DELETE FROM compliance_auditrecord WHERE id > %s", older["record_id"])
        AuditHead.objects.update(**older)
    assert verify().startswith("3 records")
    with pytest.raises(CommandError, match="Broken at sequence 4: a head was given out for 5"):
        verify("--head", given)


def test_a_head_that_was_given_out_must_still_be_true(chain):
    with pytest.raises(CommandError, match="Broken at sequence 2: another head"):
        verify("--head", "2:" + "00" * 32)
    with pytest.raises(CommandError, match="SEQUENCE:HASH"):
        verify("--head", "two")


def test_a_head_signed_with_another_key_is_not_accepted(chain, settings):
    settings.AUDIT_SIGNING_KEYS = ["a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="]
    with pytest.raises(CommandError, match="Broken at sequence 5: the signature of the head"):
        verify()


def test_erasing_a_person_keeps_the_record_and_its_chain(chain):
    record_some(1)
    assert erase_personal(WHO, origin=SYSTEM) == 6
    assert not AuditRecord.objects.filter(actor=PERSON.actor).exclude(ip=None, user_agent=None).exists()
    assert not AuditLink.objects.exclude(salt=None).exists()
    seal_everything()
    assert AuditRecord.objects.get(action="person.erase").detail == {"records": 6}
    assert verify() == "7 records checked, 0 not sealed yet.\n"
    assert erase_personal(WHO, origin=SYSTEM) == 0


def test_a_strangers_failures_in_the_persons_name_are_erased_too(transactional_db):
    stranger = audit.Origin(ip="192.0.2.9", user_agent="curl")
    audit.record(Action.LOGIN_FAILURE, origin=stranger, object=PERSON.actor)
    audit.record(Action.LOGIN_FAILURE, origin=stranger, object="somebody else")
    assert erase_personal(WHO, origin=SYSTEM) == 1
    assert list(AuditRecord.objects.filter(ip="192.0.2.9").values_list("object", flat=True)) == [
        "somebody else"
    ]


def test_what_has_no_canonical_form_is_not_recorded(db):
    with pytest.raises(Exception, match="audit_detail_holds_whole_numbers"), transaction.atomic():
        audit.record(Action.EXPORT, origin=SYSTEM, detail={"ratio": [0.5]})


def test_the_unsealed_are_counted_for_the_operators(transactional_db):
    record_some(2)
    assert unsealed() == 2
