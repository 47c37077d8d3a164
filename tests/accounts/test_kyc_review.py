"""Reviewing in the admin: who may, what it takes, what is on record."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone

from accounts.kyc import files, folder, services
from accounts.kyc.models import KycCase, KycDocument, KycStep
from accounts.models import User
from accounts.roles import Role
from accounts.services import create_user, give_role
from compliance.audit import SYSTEM
from compliance.models import AuditRecord
from tests.accounts.papers import image, pdf
from tests.factories import PASSWORD

QUEUE = "/admin/accounts/kyccase/"


def reviewer_named(name: str) -> Client:
    person = create_user(email=f"{name}@example.org", password=PASSWORD, role=Role.COMPLIANCE)
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def rita(db) -> Client:
    return reviewer_named("rita")


@pytest.fixture
def omar(db) -> Client:
    return reviewer_named("omar")


@pytest.fixture
def case(send) -> KycCase:
    """A passport waits for a reviewer."""
    assert send().status_code == 201
    return KycCase.objects.get()


def page_of(case: KycCase) -> str:
    return f"{QUEUE}{case.pk}/change/"


def told(client: Client, case: KycCase, **body: str) -> str:
    """Send one of the forms of the page; what the next page says about it."""
    answer = client.post(page_of(case), body, follow=True)
    assert answer.status_code == 200
    return " ".join(str(message) for message in answer.context["messages"])


def decide(client: Client, case: KycCase, decision: str, reason: str = "Because", **more: str) -> str:
    return told(client, case, decision=decision, reason=reason, **more)


def status_of(case: KycCase) -> str:
    return User.objects.get(pk=case.user_id).kyc_status


def test_approved_the_gate_is_open_and_it_is_on_record(rita, case, kyc):
    assert decide(rita, case, "approved", "Passport is right", valid_until="2099-01-31") == "Approved."
    assert (kyc()["status"], kyc()["reason"]) == ("approved", "Passport is right")
    case.refresh_from_db()
    assert case.valid_until == date(2099, 1, 31)
    record = AuditRecord.objects.get(action="kyc.decide")
    assert record.detail == {"status": "approved", "reason": "Passport is right"}
    assert record.object == str(case.user.public_id)
    assert record.actor == str(User.objects.get(email="rita@example.org").public_id)


def test_rejected_the_applicant_reads_why(rita, case, kyc):
    assert decide(rita, case, "rejected", "The photo is blurred") == "Rejected."
    assert (kyc()["status"], kyc()["reason"]) == ("rejected", "The photo is blurred")


@pytest.mark.parametrize("decision", ["approved", "rejected"])
@pytest.mark.parametrize("reason", ["", "   "])
def test_without_a_reason_nothing_is_decided(rita, case, decision, reason):
    assert "Reason: This field is required." in decide(rita, case, decision, reason)
    assert status_of(case) == "pending"


def test_a_case_is_found_by_e_mail_and_the_oldest_waits_on_top(rita, case, stranger, user):
    later = KycCase.objects.create(user=stranger, submitted_at=timezone.now())
    User.objects.filter(pk=stranger.pk).update(kyc_status="pending")
    KycCase.objects.create(user=user, submitted_at=timezone.now() - timedelta(days=9))
    shown = [row.pk for row in rita.get(QUEUE).context["cl"].result_list]
    assert shown[:2] == [case.pk, later.pk]
    assert len(shown) == 3
    found = rita.get(QUEUE, {"q": "NINA@example"}).context["cl"].result_list
    assert [row.pk for row in found] == [case.pk]
    waiting = rita.get(QUEUE, {"work": "waiting"}).context["cl"].result_list
    assert [row.pk for row in waiting] == [case.pk, later.pk]


@pytest.mark.parametrize("role", [Role.TRADER, Role.AUDITOR, Role.ADMIN])
def test_nobody_else_reviews(db, case, role):
    client = Client()
    client.force_login(create_user(email="other@example.org", password=PASSWORD, role=role))
    document = case.documents.get()
    for address in (QUEUE, page_of(case), f"{QUEUE}{case.pk}/documents/{document.public_id}/"):
        assert client.get(address).status_code in {302, 403}
    client.post(page_of(case), {"decision": "approved", "reason": "Friend of mine"})
    assert status_of(case) == "pending"
    assert not AuditRecord.objects.filter(action="kyc.view").exists()


def test_nobody_reviews_themselves(case, applicant):
    give_role(user=applicant, role=Role.COMPLIANCE, origin=SYSTEM)
    User.objects.filter(pk=applicant.pk).update(is_staff=True)
    client = Client()
    client.force_login(applicant)
    assert client.get(page_of(case)).status_code == 403
    assert client.post(page_of(case), {"decision": "approved", "reason": "It is me"}).status_code == 403
    look = f"{QUEUE}{case.pk}/documents/{case.documents.get().public_id}/"
    assert client.get(look).status_code == 403
    assert status_of(case) == "pending"


@pytest.mark.parametrize(("first", "second"), [("approved", "rejected"), ("rejected", "approved")])
def test_a_reversal_takes_a_second_person(rita, omar, case, first, second):
    decide(rita, case, first)
    assert decide(rita, case, second).startswith("Proposed.")
    assert status_of(case) == first
    assert "needs a second person" in decide(rita, case, second)
    assert status_of(case) == first
    decide(omar, case, second)
    assert status_of(case) == second
    case.refresh_from_db()
    assert (case.proposed_status, case.proposed_by) == ("", None)


def test_with_high_risk_an_approval_takes_a_second_person_and_a_rejection_does_not(rita, omar, case):
    assert told(rita, case, act="risk", risk="high") == "Risk changed."
    assert decide(rita, case, "approved").startswith("Proposed.")
    assert "somebody else may lower the risk" in told(rita, case, act="risk", risk="low")
    assert status_of(case) == "pending"
    decide(omar, case, "approved")
    assert status_of(case) == "approved"


def test_a_proposal_is_about_the_documents_of_then(rita, omar, case, send):
    told(rita, case, act="risk", risk="high")
    decide(rita, case, "approved")
    send("selfie")
    assert decide(omar, case, "approved").startswith("Proposed.")
    assert status_of(case) == "pending"


def test_two_reviewers_at_once_do_not_decide_twice(rita, omar, case):
    decide(rita, case, "approved")
    assert decide(omar, case, "approved") == "It is approved already."
    assert KycStep.objects.filter(act="decide").count() == 1


def test_a_note_is_for_colleagues(rita, case, kyc, api_of, applicant):
    assert told(rita, case, act="note", text="Asked the bank about this one") == "Noted."
    assert "Asked the bank" in rita.get(page_of(case)).content.decode()
    assert b"Asked the bank" not in api_of(applicant).get("/api/v1/kyc/").content
    assert AuditRecord.objects.filter(action="kyc.decide", detail={"note": "added"}).exists()


def test_each_look_is_recorded_before_it_shows_anything(rita, case):
    document = case.documents.get()
    answer = rita.get(f"{QUEUE}{case.pk}/documents/{document.public_id}/")
    record = AuditRecord.objects.get(action="kyc.view")
    assert record.object == str(document.public_id)
    assert record.detail == {"person": str(case.user.public_id), "kind": "passport"}
    link = answer.context["link"]
    shown = rita.get(link)
    assert (shown.status_code, shown["Content-Type"]) == (200, "image/jpeg")
    assert shown.content == files.read(document.stored_as)
    assert shown["Cache-Control"] == "no-store"
    assert "script-src" not in shown["Content-Security-Policy"]


def test_a_pdf_is_opened_by_the_browser(rita, send):
    send("proof_of_address", pdf())
    document = KycDocument.objects.get()
    answer = rita.get(f"{QUEUE}{document.case_id}/documents/{document.public_id}/", follow=True)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")


def test_a_link_is_one_readers_and_does_not_last(rita, omar, case, settings):
    look = f"{QUEUE}{case.pk}/documents/{case.documents.get().public_id}/"
    link = rita.get(look).context["link"]
    assert rita.get(link).status_code == 200
    assert omar.get(link).status_code == 404
    assert Client().get(link).status_code == 302
    for wrong in (link[:-2] + "x/", link.replace("/files/", "/files/x"), "/kyc/files/x/"):
        assert rita.get(wrong).status_code == 404
    name = case.documents.get().stored_as
    reader = str(User.objects.get(email="rita@example.org").public_id)
    expired = signing.dumps([name, "image/jpeg", reader, -1], salt=folder.SALT)
    assert rita.get(f"/kyc/files/{expired}/").status_code == 404


def test_a_document_belongs_to_its_case(rita, case, user):
    other = KycCase.objects.create(user=user)
    look = f"{QUEUE}{other.pk}/documents/{case.documents.get().public_id}/"
    assert rita.get(look).status_code == 404


def test_what_is_not_scanned_is_never_called_clean(rita, case):
    page = rita.get(page_of(case)).content.decode()
    assert "Not scanned for viruses" in page
    assert "nothing found" not in page


def test_reviewers_see_the_case_and_no_more(rita, case):
    page = rita.get(page_of(case)).content.decode()
    assert "nina@example.org" in page
    menu = rita.get("/admin/").content.decode()
    assert "/admin/accounts/kyccase/" in menu
    for other in ("wallets", "execution", "subscriptions", "strategies", "compliance", "auditrecord"):
        assert f"/admin/{other}/" not in menu
    assert rita.get("/admin/wallets/exchangeaccount/").status_code == 403


def test_nothing_is_added_changed_or_deleted_by_hand(db, case):
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.org", PASSWORD))
    assert client.get(f"{QUEUE}add/").status_code == 403
    assert client.post(f"{QUEUE}{case.pk}/delete/", {"post": "yes"}).status_code == 403
    body = {"action": "delete_selected", "_selected_action": [case.pk], "post": "yes"}
    client.post(QUEUE, body)
    assert KycCase.objects.filter(pk=case.pk).exists()
    assert not re.search(r"/admin/accounts/kyc(document|step)", client.get("/admin/").content.decode())


def test_an_expired_document_asks_for_a_new_one_once(rita, case, kyc):
    decide(rita, case, "approved", valid_until=timezone.now().date().isoformat())
    tomorrow = timezone.now() + timedelta(days=1)
    assert services.expire(today=timezone.now().date(), now=timezone.now()) == 0
    assert [services.expire(today=tomorrow.date(), now=tomorrow) for _ in range(2)] == [1, 0]
    assert kyc()["status"] == "rejected"
    assert "expired on" in kyc()["reason"]
    assert kyc()["uploads_left"] == 20


def test_what_has_expired_already_is_not_approved(rita, case):
    assert "has expired" in decide(rita, case, "approved", valid_until="2001-01-01")
    assert status_of(case) == "pending"


def test_files_that_no_document_names_are_swept_away_when_old(case, private_folder):
    files.store(image())
    now = timezone.now()
    assert services.remove_orphans(now=now) == 0
    assert services.remove_orphans(now=now + timedelta(hours=2)) == 1
    assert files.read(case.documents.get().stored_as)


def test_the_queue_tells_moments_as_all_other_pages_do(rita, case):
    KycCase.objects.update(submitted_at=datetime(2026, 11, 27, 20, 8, tzinfo=UTC))
    assert "27 Nov 2026, 20:08" in rita.get(QUEUE).content.decode()
