"""Auditors read and export the record; what they take away verifies by itself, and nobody else reads it."""

import csv
import io
import json
import random
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.test import Client

from accounts.roles import Role
from accounts.services import create_user
from compliance import audit, export
from compliance.audit import SYSTEM, Origin
from compliance.chain import FIELDS
from compliance.models import Action, AuditLink, AuditRecord
from compliance.services import erase_personal
from compliance.signing import public_key
from tests.compliance.conftest import PERSON, record_some, seal_everything
from tests.factories import PASSWORD

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "verify_audit_export.py"
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r1", "'=1", "''-1", "'quoted'", "plain"]


@pytest.fixture
def auditor(db):
    return create_user(email="auditor@example.org", password=PASSWORD, role=Role.AUDITOR)


@pytest.fixture
def auditor_api(auditor, api_of):
    return api_of(auditor, "read")


@pytest.fixture
def filled(transactional_db, auditor_api):
    record_some(3)
    for agent in FORMULAS:
        audit.record(Action.EXPORT, origin=Origin(ip="192.0.2.9", user_agent=agent), object=agent)
    audit.record(
        Action.ADMIN_CHANGE,
        origin=SYSTEM,
        object='"qu,oted"',
        detail={"name": 'Zoë "quotes", ,', "new": [1, None]},
    )
    seal_everything()
    return auditor_api


def body_of(response):
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content)


def verify(body, *arguments, tmp_path):
    file = tmp_path / "export"
    file.write_bytes(body)
    # Without site packages: only the standard library is there.
    done = subprocess.run(
        [sys.executable, "-I", "-S", SCRIPT, file, *arguments], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_auditors_list_the_record_newest_first(filled):
    answer = filled.get("/api/v1/audit/?page_size=5").json()
    sequences = [record["sequence"] for record in answer["results"]]
    assert sequences == sorted(sequences, reverse=True)
    assert len(sequences) == 5
    assert tuple(answer["results"][0]) == FIELDS
    older = filled.get(answer["next"]).json()
    assert older["results"][0]["sequence"] == sequences[-1] - 1


FOUND = {
    f"actor={PERSON.actor}": 3,
    "action=admin.change": 1,
    "object=trades 1": 1,
    "outcome=refused": 0,
    "ip=192.0.2.9": len(FORMULAS),
    "from=2999-01-01T00:00:00Z": 0,
    "to=2999-01-01T00:00:00Z&action=admin.change": 1,
}


def test_filters_of_the_list(filled):
    for query, count in FOUND.items():
        assert len(filled.get(f"/api/v1/audit/?{query}").json()["results"]) == count, query


def test_a_filter_that_cannot_be_understood_is_refused(auditor_api):
    for query in ("action=nothing", "from=yesterday", "ip=x", "token_id=x", "who=me", "before=1"):
        assert auditor_api.get(f"/api/v1/audit/?{query}").status_code == 400, query


def test_reading_and_exporting_are_recorded(filled, auditor):
    filled.get("/api/v1/audit/?action=export")
    filled.get("/api/v1/audit/export?format=csv")
    read, exported = AuditRecord.objects.filter(actor=str(auditor.public_id), object="audit").order_by("id")
    assert (read.action, read.detail) == ("audit.read", {"action": "export"})
    assert (exported.action, exported.detail) == ("export", {"format": "csv"})


@pytest.mark.parametrize("role", [Role.TRADER, Role.COMPLIANCE, Role.ADMIN])
def test_nobody_but_auditors_reads_it_and_who_tried_is_recorded(db, api_of, role):
    person = create_user(email="x@example.org", password=PASSWORD, role=role)
    page = Client()
    page.force_login(person)
    api = api_of(person)
    assert api.get("/api/v1/audit/").json()["errors"][0]["code"] == "insufficient_role"
    assert api.get("/api/v1/audit/export?format=csv").status_code == 403
    assert page.get("/audit/").status_code == 403
    refused = AuditRecord.objects.filter(outcome="refused", actor=str(person.public_id)).order_by("id")
    assert list(refused.values_list("action", flat=True)) == ["audit.read", "export", "audit.read"]


def test_an_auditors_token_needs_the_scope_read(auditor, api_of):
    answer = api_of(auditor, "trade").get("/api/v1/audit/")
    assert answer.json()["errors"][0]["code"] == "insufficient_scope"


@pytest.mark.parametrize("form", ["csv", "json"])
def test_an_export_verifies_with_python_alone(filled, form, tmp_path):
    body = body_of(filled.get(f"/api/v1/audit/export?format={form}"))
    code, told = verify(body, "--public-key", public_key(), tmp_path=tmp_path)
    assert (code, told) == (
        0,
        f"{AuditLink.objects.count()} records checked, from 1 to {AuditLink.objects.count()}.\n",
    )


@pytest.mark.parametrize("form", ["csv", "json"])
def test_an_export_after_an_erasure_verifies(filled, form, tmp_path):
    erase_personal(UUID(PERSON.actor), origin=SYSTEM)
    code, told = verify(body_of(filled.get(f"/api/v1/audit/export?format={form}")), tmp_path=tmp_path)
    assert code == 0, told


def test_an_export_is_the_whole_run_from_the_first_to_the_last_match(filled, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "CHUNK", 2)
    body = body_of(filled.get("/api/v1/audit/export?format=json&ip=192.0.2.9"))
    records = json.loads(body)["records"]
    first, last = records[0]["sequence"], records[-1]["sequence"]
    assert [record["sequence"] for record in records] == list(range(first, last + 1))
    assert len(records) == len(FORMULAS)
    code, told = verify(body, tmp_path=tmp_path)
    assert code == 0
    assert f"from {first} to {last}" in told
    assert public_key() in told


def test_an_export_that_ends_before_the_sealed_head_is_signed_for_exactly_what_it_contains(filled, tmp_path):
    whole = json.loads(body_of(filled.get("/api/v1/audit/export?format=json")))
    part = json.loads(body_of(filled.get("/api/v1/audit/export?format=json&ip=192.0.2.9")))
    last = part["records"][-1]
    assert last["sequence"] < whole["head"]["sequence"]
    assert (part["head"]["sequence"], part["head"]["hash"]) == (last["sequence"], last["hash"])
    assert part["head"]["signature"] != whole["head"]["signature"]
    assert verify(json.dumps(part).encode(), tmp_path=tmp_path)[0] == 0
    shorter = part | {"records": part["records"][:-1]}
    longer = part | {"records": [one for one in whole["records"] if one["sequence"] <= last["sequence"] + 1]}
    signed_for_another = part | {"head": part["head"] | {"signature": whole["head"]["signature"]}}
    headed_by_another = part | {"head": whole["head"]}
    for forged in (shorter, longer, signed_for_another, headed_by_another):
        code, told = verify(json.dumps(forged).encode(), tmp_path=tmp_path)
        assert code != 0
        assert "record" in told.lower() or "head" in told.lower()


@pytest.mark.parametrize("form", ["csv", "json"])
def test_an_export_without_a_match_is_empty_and_verifies(filled, form, tmp_path):
    body = body_of(filled.get(f"/api/v1/audit/export?format={form}&object=nothing"))
    assert verify(body, tmp_path=tmp_path) == (0, "0 records: nothing to check.\n")


def test_formulas_are_neutralised_and_numbers_are_not(filled):
    text = body_of(filled.get("/api/v1/audit/export?format=csv")).decode()
    rows = list(csv.DictReader(line for line in io.StringIO(text, newline="") if not line.startswith("#")))
    agents = [row["user_agent"] for row in rows if row["ip"] == "192.0.2.9"]
    told = ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\t=1", "'\r1", "''=1", "'''-1", "'quoted'", "plain"]
    assert agents == told
    assert [row["object"] for row in rows if row["ip"] == "192.0.2.9"] == told
    assert [row["sequence"] for row in rows] == [str(n) for n in range(1, len(rows) + 1)]


def csv_lines(body):
    return [f"{line}\r\n" for line in body.decode().split("\r\n")[:-1]]


def tampered_csv(body):
    """Name → (the file, the sequence that must be named)."""
    lines = csv_lines(body)
    data = 3
    swapped = [*lines[: data + 3], lines[data + 4], lines[data + 3], *lines[data + 5 :]]
    last = len(lines) - data
    return {
        "edited": (
            [*lines[: data + 2], lines[data + 2].replace(",success,", ",refused,"), *lines[data + 3 :]],
            3,
        ),
        "deleted": ([*lines[: data + 4], *lines[data + 5 :]], 5),
        "swapped": (swapped, 4),
        "appended": ([*lines, lines[-1]], last + 1),
        "cut off": (lines[:-2], last - 1),
        "cut in the middle of a row": ([*lines[:-1], lines[-1][:30]], last),
        "another head": ([lines[0], lines[1].replace('"hash": "', '"hash": "00'), *lines[2:]], last),
        "another signature": (
            [lines[0], lines[1].replace('"signature": "', '"signature": "00'), *lines[2:]],
            last,
        ),
        "no head": ([lines[0], *lines[2:]], last),
    }


def test_a_csv_that_was_tampered_with_is_named(filled, tmp_path):
    body = body_of(filled.get("/api/v1/audit/export?format=csv"))
    for name, (lines, sequence) in tampered_csv(body).items():
        code, told = verify("".join(lines).encode(), tmp_path=tmp_path)
        assert code == 1, name
        assert told.startswith(f"Broken at sequence {sequence}:"), (name, told)


def test_a_json_that_was_tampered_with_is_named(filled, tmp_path):
    body = body_of(filled.get("/api/v1/audit/export?format=json"))
    whole = json.loads(body)
    last = len(whole["records"])

    def changed(change):
        export = json.loads(body)
        change(export)
        return verify(json.dumps(export).encode(), tmp_path=tmp_path)

    cases = {
        "edited": (lambda e: e["records"][2].update(actor="x"), 3),
        "one more field": (lambda e: e["records"][2].update(colour="red"), 3),
        "address edited": (lambda e: e["records"][2].update(ip="192.0.2.1"), 3),
        "salt removed": (lambda e: e["records"][3].update(salt=None), 4),
        "deleted": (lambda e: e["records"].pop(4), 5),
        "swapped": (lambda e: e["records"].insert(3, e["records"].pop(4)), 4),
        "cut off": (lambda e: e["records"].pop(), last),
        "emptied": (lambda e: e["records"].clear(), last),
        "a fraction": (lambda e: e["records"][2].update(detail={"a": 0.5}), 3),
    }
    for name, (change, sequence) in cases.items():
        code, told = changed(change)
        assert code == 1, name
        assert told.startswith(f"Broken at sequence {sequence}:"), (name, told)
    assert changed(lambda e: None)[0] == 0
    # What is left of it is whole: only an older head tells that there was more.
    assert changed(lambda e: e["records"].pop(0))[0] == 0


def test_a_head_that_was_given_out_is_looked_for_in_the_export(filled, tmp_path):
    body = body_of(filled.get("/api/v1/audit/export?format=json"))
    third = json.loads(body)["records"][2]["hash"]
    assert verify(body, "--head", f"3:{third}", tmp_path=tmp_path)[0] == 0
    code, told = verify(body, "--head", f"3:{'0' * 64}", tmp_path=tmp_path)
    assert (code, told) == (1, "Broken at sequence 3: another head was given out for it.\n")
    assert "not checked: head 999" in verify(body, "--head", f"999:{third}", tmp_path=tmp_path)[1]
    assert verify(body, "--public-key", "00" * 32, tmp_path=tmp_path)[0] == 1
    assert verify(b"nonsense", tmp_path=tmp_path)[0] == 2


def test_the_scripts_own_signature_check_agrees_with_the_library():
    script: Any = SimpleNamespace(**runpy.run_path(str(SCRIPT)))
    choice = random.Random(1)
    for _ in range(5):
        key = Ed25519PrivateKey.from_private_bytes(choice.randbytes(32))
        public, message = key.public_key().public_bytes_raw(), choice.randbytes(40)
        signature = key.sign(message)
        assert script.is_signed(public, message, signature)
        assert not script.is_signed(public, message + b"x", signature)
        assert not script.is_signed(public, message, signature[:-1] + bytes([signature[-1] ^ 1]))


def test_the_page_shows_the_record_with_its_filters_and_exports(filled, auditor):
    page = Client()
    page.force_login(auditor)
    answer = page.get("/audit/?action=admin.change&from=2020-01-01T00:00")
    text = answer.content.decode()
    assert "Zoë &quot;quotes&quot;" in text
    assert "trades 1" not in text
    assert "/api/v1/audit/export?format=csv&amp;from=2020-01-01T00%3A00%3A00Z&amp;action=admin.change" in text
    assert page.get("/audit/?from=nonsense").status_code == 200
    assert page.get("/audit/?before=x").status_code == 404
    assert page.post("/audit/").status_code == 405
    exported = page.get("/api/v1/audit/export?format=csv")
    assert exported.status_code == 200


def test_the_page_goes_back_through_all_of_the_record(transactional_db, auditor):
    record_some(120)
    seal_everything()
    page = Client()
    page.force_login(auditor)
    seen, address = 0, "/audit/?object=&action=export"
    while address:
        answer = page.get(address)
        seen += len(answer.context["records"])
        older = answer.context["older"]
        address = f"/audit/?{older}" if older else ""
    assert seen == 120
