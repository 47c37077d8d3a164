"""Erasing a person."""

import io
import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone

from accounts.kyc import files, keeping
from accounts.models import KycCase, KycDocument, KycStep, User
from accounts.roles import Role
from accounts.services import create_user
from compliance.audit import SYSTEM
from compliance.models import AuditRecord
from copytrade.erasing import erase
from copytrade.tasks import erase_leaving
from execution.models import ExportJob
from ledger.models import Posting
from subscriptions.models import Subscription
from tests.conftest import token_of
from tests.factories import PASSWORD, ExchangeAccountFactory, SubscriptionFactory
from tests.ledger.fills import book, fill
from wallets.models import ExchangeAccount


@pytest.fixture
def person(transactional_db, user):
    return user


def test_what_identifies_the_person_goes_and_the_record_stays(person):
    Client().post(
        "/accounts/login/", {"login": person.email, "password": PASSWORD}, HTTP_USER_AGENT="Firefox"
    )
    token_of(person)
    ExchangeAccountFactory.create(owner=person, label="Ana's")
    ExportJob.objects.create(owner=person, format="csv", filters={}, up_to=0, rows_total=0)
    records = AuditRecord.objects.count()
    call_command("erase_user", "ANA@example.org")
    person.refresh_from_db()
    assert (person.email, person.is_active) == (f"{person.public_id}@erased.invalid", False)
    assert AuditRecord.objects.count() >= records
    own = AuditRecord.objects.filter(actor=str(person.public_id))
    assert own.exists()
    assert not own.exclude(ip=None, user_agent=None).exists()
    account = ExchangeAccount.objects.get(owner=person)
    assert (account.sealed_credentials, account.label) == ("", "erased")
    assert not ExportJob.objects.exists()
    call_command("create_user", "ana@example.org", "--password", PASSWORD)


def test_the_admins_own_log_forgets_the_address_too(person):
    boss = create_user(email="boss@example.org", password=PASSWORD, role=Role.ADMIN)
    staff = Client()
    staff.force_login(boss)
    body = {"user": person.pk, "act": "give", "role": "auditor", "reason": "joins"}
    staff.post("/admin/accounts/rolerequest/add/", body)
    staff.post(f"/admin/accounts/user/{person.pk}/change/", {"is_active": "on"})
    assert LogEntry.objects.filter(object_repr__contains=person.email).count() == 2
    other = create_user(email=f"jo{person.email}", password=PASSWORD)
    staff.post(f"/admin/accounts/user/{other.pk}/change/", {"is_active": "on"})
    call_command("erase_user", person.email)
    # An address that ends with theirs is somebody else's.
    assert set(LogEntry.objects.values_list("object_repr", flat=True)) == {"erased", other.email}


def test_open_copies_are_left_before_the_person_is_erased(person):
    subscription = SubscriptionFactory.create(follower=person)
    call_command("erase_user", person.email)
    subscription.refresh_from_db()
    assert subscription.status == "closed"


def test_a_master_with_followers_is_suspended_and_waits(person):
    SubscriptionFactory.create(strategy__owner=person)
    with pytest.raises(CommandError, match="1 followers still hold"):
        call_command("erase_user", person.email)
    person.refresh_from_db()
    assert (person.email, person.is_active) == ("ana@example.org", False)


def test_an_identity_check_is_kept_as_long_as_the_law_says(person):
    KycCase.objects.create(user=person)
    with pytest.raises(CommandError, match="the law keeps the identity check until"):
        call_command("erase_user", person.email)
    assert User.objects.filter(email="ana@example.org").exists()


@pytest.fixture
def checked_long_ago(applicant, private_folder):
    """An identity check with one document, decided six years ago."""
    then = timezone.now() - timedelta(days=6 * 366)
    case = KycCase.objects.create(user=applicant, submitted_at=then, decided_at=then, reason="Good")
    file = {
        "stored_as": files.store(b"a passport"),
        "media_type": "image/png",
        "size": 10,
        "sha256": "0" * 64,
    }
    KycDocument.objects.create(case=case, kind="passport", uploaded_at=then, **file)
    status = {"from_status": "pending", "to_status": "pending"}
    KycStep.objects.create(case=case, act="note", at=then, text="Nina Novak", **status)
    return case


def test_an_identity_check_past_its_time_goes_with_its_files(applicant, checked_long_ago, private_folder):
    assert erase(user=applicant, origin=SYSTEM, now=timezone.now()).waits_for == []
    assert not KycCase.objects.exists()
    assert not KycStep.objects.exists()
    assert not [path for path in private_folder.rglob("*") if path.is_file()]
    applicant.refresh_from_db()
    assert applicant.erased_at


def test_the_database_keeps_the_history_of_a_check_as_long_as_the_law_says(checked_long_ago):
    young = {"at": timezone.now() - timedelta(days=5 * 365), "act": "note"}
    KycStep.objects.create(case=checked_long_ago, from_status="pending", to_status="pending", **young)
    with pytest.raises(IntegrityError, match="append-only"):
        keeping.forget(user=checked_long_ago.user)


def test_who_waits_is_erased_by_itself_once_nothing_is_in_the_way(person):
    subscription = SubscriptionFactory.create(strategy__owner=person)
    with pytest.raises(CommandError):
        call_command("erase_user", person.email)
    erase_leaving()
    person.refresh_from_db()
    assert (person.email, person.erased_at) == ("ana@example.org", None)
    Subscription.objects.filter(pk=subscription.pk).update(status="closed", closed_at=timezone.now())
    erase_leaving()
    person.refresh_from_db()
    assert person.email.endswith("@erased.invalid")
    erased_at = person.erased_at
    erase_leaving()
    person.refresh_from_db()
    assert person.erased_at == erased_at


def test_a_replaced_document_is_kept_for_as_long_as_the_law_says_and_no_longer(applicant, send):
    send()
    now = timezone.now()
    KycDocument.objects.update(replaced_at=now)
    assert keeping.forget_old_documents(now=now + keeping.KEPT) == 0
    assert keeping.forget_old_documents(now=now + keeping.KEPT + timedelta(seconds=1)) == 1
    assert KycDocument.objects.get().stored_as == ""


def answers(text: str) -> io.StringIO:
    """A terminal at which this is typed."""
    terminal = io.StringIO(text)
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    return terminal


def test_it_tells_what_was_removed_and_what_is_kept_and_why_in_numbers(person):
    token_of(person)
    copy = SubscriptionFactory.create(follower=person)
    trades = book(copy, [fill("buy", "0.01", "50000", "0.5"), fill("sell", "0.01", "50000", "0.5")])
    postings = Posting.objects.filter(trade__in=trades).count()
    ExportJob.objects.create(owner=person, format="csv", filters={}, up_to=0, rows_total=0)
    told = io.StringIO()
    call_command("erase_user", person.email, stdout=told)
    removed, kept = told.getvalue().split("Kept, without anything that names the person:")
    lines = {what.strip(): int(count) for count, what in re.findall(r"^ +(\d+) ([^:\n]+)", removed, re.M)}
    assert lines["e-mail address, display name and password"] == 1
    assert lines["keys of exchange accounts"] == lines["names and networks of API tokens"] == 1
    assert lines["exports"] == 1
    assert lines["notifications"] > 0 and lines["wallet addresses"] == 0
    kept_lines = dict(re.findall(r"^ +(\d+ [^:]+): (.+)$", kept, re.M))
    records = AuditRecord.objects.filter(actor=str(person.public_id)).count()
    assert "AUDIT_RETENTION_DAYS" in kept_lines[f"{records} audit records of their acts"]
    assert postings and "by law" in kept_lines["2 trades"] and "by law" in kept_lines[f"{postings} postings"]
    assert "1 copies" in kept_lines and person.email not in told.getvalue()


@pytest.mark.parametrize(("typed", "erased"), [("ana@example.org\n", True), ("yes\n", False), ("", False)])
def test_at_a_terminal_it_asks_for_the_address_before_anything_changes(typed, erased, person, monkeypatch):
    monkeypatch.setattr("sys.stdin", answers(typed))
    if erased:
        call_command("erase_user", person.email)
    else:
        with pytest.raises(CommandError, match="Nothing was changed"):
            call_command("erase_user", person.email)
    person.refresh_from_db()
    assert (person.is_active, person.erased_at is not None) == (not erased, erased)


def test_with_yes_nothing_is_asked(person, monkeypatch):
    monkeypatch.setattr("sys.stdin", answers(""))
    call_command("erase_user", person.email, "--yes")
    person.refresh_from_db()
    assert person.erased_at


def test_nobody_is_said_to_be_nobody(db):
    with pytest.raises(CommandError, match="no such user"):
        call_command("erase_user", "nobody@example.org")
