"""Sending documents through the API, and what is kept of them."""

import io
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.kyc import details, services
from accounts.kyc.models import KycCase, KycDocument, KycStep
from compliance.audit import SYSTEM
from compliance.models import AuditRecord
from records.sealing import CannotOpen
from tests.accounts.conftest import DOCUMENTS
from tests.accounts.papers import (
    SCRIPT,
    archive,
    gif_that_is_a_script,
    image,
    image_of_two_gigapixels,
    pdf,
    written_by_hand,
)
from tests.factories import PASSWORD

ANA = {
    "legal_name": "Nina García",
    "birth_date": "1990-04-21",
    "country": "ES",
    "document_number": "PAB123456",
    "document_expires_on": "2099-04-20",
}

MULTIPART = "multipart/form-data; boundary=x"


def error_of(response):
    (error,) = response.json()["errors"]
    return response.status_code, error["code"], error["attr"]


def reject():
    with transaction.atomic():
        case = services.lock_case(KycCase.objects.get().pk)
        services.move(case, "rejected", KycStep.Act.DECIDE, now=timezone.now(), text="No")


def test_nothing_was_sent_yet(kyc):
    assert kyc() == {
        "status": "not_submitted",
        "reason": "",
        "details": None,
        "documents": [],
        "uploads_left": 20,
        "valid_until": None,
    }
    assert not KycCase.objects.exists()


def test_the_first_document_makes_it_pending(send, kyc, applicant):
    answer = send()
    assert answer.status_code == 201
    document = answer.json()
    assert (document["kind"], document["media_type"]) == ("passport", "image/jpeg")
    standing = kyc()
    assert (standing["status"], standing["uploads_left"]) == ("pending", 19)
    assert standing["documents"] == [document]
    applicant.refresh_from_db()
    assert applicant.kyc_status == "pending"
    record = AuditRecord.objects.get(action="kyc.submit")
    assert (record.actor, record.object) == (str(applicant.public_id), document["id"])


def test_no_answer_tells_where_a_file_is(send, api_of, applicant):
    answers = [send().content, api_of(applicant).get("/api/v1/kyc/").content]
    stored = KycDocument.objects.get().stored_as
    assert re.fullmatch(r"kyc/[0-9a-f]{48}", stored)
    assert not any(stored.encode() in answer or b"http" in answer for answer in answers)


NAMES = {
    "upwards": b"../../../../etc/cron.d/evil",
    "upwards as on Windows": rb"..\..\evil.exe",
    "encoded": b"%2e%2e%2f%00evil",
    "from the root": b"/etc/passwd",
    "NUL": b"a\x00b.jpg",
    "control characters": b"a\x01\x08\x1b[31m\x7f.jpg",
    "a tab": b"a\tb.jpg",
    "right to left": "gpj.\u202ekcatta".encode(),
    "zero width": "a\u200bb.jpg".encode(),
    "long": b"a" * 800,
    "a script": b"<script>alert(1)</script>.svg",
    "a PDF's": b"passport.pdf",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_name_and_type_that_are_sent_mean_nothing(applicant, api_of, private_folder, name):
    # By hand, as clients of ours would cut such a name before it leaves.
    head = b'--x\r\nContent-Disposition: form-data; name="kind"\r\n\r\npassport\r\n--x\r\n'
    file = b'Content-Disposition: form-data; name="file"; filename="' + name + b'"\r\n'
    body = head + file + b"Content-Type: text/html\r\n\r\n" + image("PNG") + b"\r\n--x--\r\n"
    answer = api_of(applicant).generic("POST", DOCUMENTS, body, content_type=MULTIPART)
    assert (answer.status_code, answer.json().get("media_type")) == (201, "image/png"), answer.json()
    (stored,) = [path for path in private_folder.parent.rglob("*") if path.is_file()]
    assert stored.parent == private_folder / "kyc"
    assert re.fullmatch("[0-9a-f]{48}", stored.name)
    assert stored.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file_empty"),
        (bytes(50 * 1024 * 1024), "file_too_large"),
        (b"\xff\xd8\xff" + bytes(10 * 1024 * 1024 - 2), "file_too_large"),
        (SCRIPT, "file_type"),
        (b"\xff\xd8\xff" + SCRIPT, "file_unreadable"),
        (gif_that_is_a_script(), "file_type"),
        (archive(), "file_type"),
        (image("PNG", (50_000, 1_001), "1"), "image_too_large"),
        (image_of_two_gigapixels(), "image_too_large"),
        (written_by_hand(b"/OpenAction<</S/JavaScript/JS(app.alert(1))>>"), "pdf_active_content"),
        (pdf(51), "pdf_too_long"),
    ],
)
def test_a_refused_file_is_not_kept_and_the_refusal_is_recorded(send, kyc, private_folder, data, code):
    assert error_of(send(data=data)) == (400, code, "file")
    assert (kyc()["status"], kyc()["documents"]) == ("not_submitted", [])
    assert not list(private_folder.rglob("*"))
    record = AuditRecord.objects.get(action="kyc.submit")
    assert (record.outcome, record.detail["code"]) == ("refused", code)


@pytest.mark.parametrize(
    ("body", "attr"),
    [
        ({}, "kind"),
        ({"kind": "diary"}, "kind"),
        ({"kind": "passport"}, "file"),
        ({"kind": "passport", "file": "text"}, "file"),
        ({"kind": "passport", "kyc_status": "approved"}, "kyc_status"),
        ({"kind": ["passport", "selfie"]}, "kind"),
    ],
)
def test_a_body_that_means_nothing_is_refused_at_its_field(applicant, api_of, body, attr):
    answer = api_of(applicant).post(DOCUMENTS, body, format="multipart")
    assert answer.status_code == 400
    assert attr in {error["attr"] for error in answer.json()["errors"]}


def test_broken_multipart_and_other_types_are_no_failure_of_ours(applicant, api_of):
    client = api_of(applicant)
    for body in (
        b"",
        b"--x",
        b"\xff" * 1000,
        b"--x\r\nContent-Disposition: form-data; name=file; filename=\r\n",
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="\xff"\r\n\r\nx\r\n--x--\r\n',
    ):
        answer = client.generic("POST", DOCUMENTS, body, content_type="multipart/form-data; boundary=x")
        assert answer.status_code == 400
    assert client.post(DOCUMENTS, {"kind": "passport"}).status_code == 415
    many = "".join(
        f'--x\r\nContent-Disposition: form-data; name="file"; filename="{n}"\r\n\r\nx\r\n' for n in "ab"
    )
    answer = client.generic(
        "POST", DOCUMENTS, many + "--x--\r\n", content_type="multipart/form-data; boundary=x"
    )
    assert error_of(answer)[:2] == (400, "parse_error")


def test_a_scope_of_its_own(applicant, api_of):
    answer = api_of(applicant, "read", "trade").post(DOCUMENTS, {"kind": "passport"}, format="multipart")
    assert error_of(answer)[:2] == (403, "insufficient_scope")


def test_a_browser_session_sends_with_its_csrf_token(applicant):
    client = Client(enforce_csrf_checks=True)
    client.post("/accounts/login/", {"login": applicant.email, "password": PASSWORD})
    client.force_login(applicant)
    body = {"kind": "selfie", "file": io.BytesIO(image())}
    assert error_of(client.post(DOCUMENTS, body))[:2] == (403, "csrf_failed")


def test_the_same_kind_again_replaces_and_the_old_file_goes(send, kyc, private_folder):
    first, other = send().json(), send("selfie").json()
    second = send(data=image("PNG")).json()
    assert {document["id"] for document in kyc()["documents"]} == {second["id"], other["id"]}
    assert len([path for path in private_folder.rglob("*") if path.is_file()]) == 2
    old = KycDocument.objects.get(public_id=first["id"])
    assert (old.stored_as, old.replaced_at is not None) == ("", True)


def test_after_twenty_files_no_more_are_taken(send, kyc, private_folder):
    send()
    KycCase.objects.update(uploads=19)
    assert send().status_code == 201
    assert error_of(send()) == (409, "too_many_documents", None)
    assert kyc()["uploads_left"] == 0
    assert len([path for path in private_folder.rglob("*") if path.is_file()]) == 1


def test_who_is_approved_sends_nothing_more(send, user, api_of):
    answer = api_of(user).post(
        DOCUMENTS, {"kind": "passport", "file": io.BytesIO(image())}, format="multipart"
    )
    assert error_of(answer)[:2] == (409, "already_approved")
    assert error_of(api_of(user).put("/api/v1/kyc/details/", ANA))[:2] == (409, "already_approved")


def test_after_a_rejection_a_new_document_makes_it_pending_again(send, kyc, applicant):
    send()
    case = KycCase.objects.get()
    with transaction.atomic():
        services.move(
            services.lock_case(case.pk), "rejected", KycStep.Act.DECIDE, now=timezone.now(), text="No"
        )
    KycCase.objects.update(reason="Blurred", decided_at=timezone.now())
    assert (kyc()["status"], kyc()["reason"]) == ("rejected", "Blurred")
    send()
    assert (kyc()["status"], kyc()["reason"]) == ("pending", "")
    steps = [(step.from_status, step.to_status) for step in KycStep.objects.order_by("pk")]
    assert steps == [("not_submitted", "pending"), ("pending", "rejected"), ("rejected", "pending")]


def test_what_a_decision_was_based_on_is_kept_when_it_is_replaced(send, private_folder):
    send()
    case = services.lock_case
    with transaction.atomic():
        services.move(
            case(KycCase.objects.get().pk), "rejected", KycStep.Act.DECIDE, now=timezone.now(), text="No"
        )
    send()
    assert len([path for path in private_folder.rglob("*") if path.is_file()]) == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_is_the_current_document(applicant, private_folder):
    def one(number):
        try:
            return services.send_document(
                user=applicant,
                kind="passport",
                data=image(),
                now=timezone.now(),
                origin=SYSTEM,
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, range(2)))
    assert KycDocument.objects.current().count() == 1
    assert KycCase.objects.get().uploads == 2
    assert KycStep.objects.count() == 1
    assert len([path for path in private_folder.rglob("*") if path.is_file()]) == 1


def test_details_are_kept_sealed_and_shown_without_the_whole_number(applicant, api_of, kyc):
    answer = api_of(applicant).put("/api/v1/kyc/details/", ANA)
    assert answer.status_code == 200
    assert answer.json()["details"] == ANA | {"document_number": "…56"}
    assert kyc()["status"] == "not_submitted"
    with connection.cursor() as cursor:
        cursor.execute("SELECT accounts_kyccase::text FROM accounts_kyccase")
        (row,) = cursor.fetchone()
    assert not any(value in row for value in (ANA["legal_name"], ANA["document_number"], "1990"))
    assert "García" not in repr(details.unseal(KycCase.objects.get()))


def test_sealed_details_open_only_in_their_own_case(applicant, stranger, api_of):
    api_of(applicant).put("/api/v1/kyc/details/", ANA)
    other = services.case_of(stranger)
    other.sealed_details = KycCase.objects.get(user=applicant).sealed_details
    with pytest.raises(CannotOpen):
        details.unseal(other)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"birth_date": (timezone.now().date() - timedelta(days=17 * 365)).isoformat()}, "too_young"),
        ({"birth_date": "1890-01-01"}, "invalid"),
        ({"birth_date": "1990-02-30"}, "invalid"),
        ({"birth_date": 19900421}, "invalid"),
        ({"document_expires_on": "2001-01-01"}, "document_expired"),
        ({"country": "es"}, "invalid"),
        ({"country": "Spain"}, "max_length"),
        ({"country": "XX"}, "invalid"),
        ({"legal_name": "A\u202eB"}, "invalid_characters"),
        ({"legal_name": ""}, "blank"),
        ({"legal_name": ["A"]}, "invalid"),
        ({"document_number": "9" * 41}, "max_length"),
        ({"status": "approved"}, "unknown_field"),
    ],
)
def test_details_that_cannot_be_are_refused_at_their_field(applicant, api_of, change, code):
    answer = api_of(applicant).put("/api/v1/kyc/details/", ANA | change)
    assert error_of(answer) == (400, code, next(iter(change)))


def test_the_database_refuses_what_the_table_of_transitions_has_not(send, applicant):
    send()
    case = KycCase.objects.get()
    with pytest.raises(IntegrityError, match="a_status_moves_as_the_table_says"), transaction.atomic():
        KycStep.objects.create(
            case=case, act="decide", from_status="not_submitted", to_status="approved", at=timezone.now()
        )
    for change in (KycStep.objects.update, lambda **_: KycStep.objects.all().delete()):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change(text="nothing happened")


def test_rotation_seals_details_anew(applicant, api_of, settings):
    old, new = settings.FIELD_ENCRYPTION_KEYS[0], "bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmU="
    api_of(applicant).put("/api/v1/kyc/details/", ANA)
    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    assert [details.reseal_all(), details.reseal_all()] == [1, 0]
    settings.FIELD_ENCRYPTION_KEYS = [new]
    opened = details.unseal(KycCase.objects.get())
    assert opened is not None
    assert opened.legal_name == ANA["legal_name"]
