"""The terms and the risks: versions, who accepted which, and the record of it."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts import consents
from accounts.consents import VERSIONS, Document, changed_since_accepted, give_consent, in_force
from accounts.models import Consent, User
from compliance.audit import SYSTEM
from compliance.models import AuditRecord
from tests.factories import PASSWORD

OLD = "2020-01-01"


@pytest.fixture
def changed_text(user, monkeypatch):
    """The user accepted the terms when another version was in force."""
    Consent.objects.create(user=user, document="terms", version=OLD, given_at=timezone.now())
    return Document.TERMS


def test_every_version_of_a_text_is_there_to_read(client):
    for document, versions in VERSIONS.items():
        for version in versions:
            assert (settings.BASE_DIR / f"templates/legal/{document}-{version}.html").exists()
            answer = client.get(f"/legal/{document}/{version}/")
            assert version in answer.content.decode()


@pytest.mark.parametrize("address", ["/legal/secrets/", "/legal/terms/1999-01-01/", "/legal/terms/..%2F/"])
def test_what_is_no_text_or_version_is_not_found(client, address):
    assert client.get(address).status_code == 404


def test_signing_up_accepts_what_the_page_shows_and_is_recorded(db):
    page = Client().get("/accounts/signup/").content.decode()
    assert "/legal/terms/" in page and "/legal/risks/" in page
    Client().post(
        "/accounts/signup/", {"email": "new@example.org", "password1": PASSWORD, "password2": PASSWORD}
    )
    new = User.objects.get(email="new@example.org")
    given = AuditRecord.objects.filter(action="consent.give", actor=str(new.public_id))
    assert {row.detail["document"]: row.detail["version"] for row in given} == {
        "terms": in_force("terms"),
        "risks": in_force("risks"),
    }


def test_accepting_twice_is_one_consent_and_one_record(user):
    for _time in range(2):
        give_consent(user=user, documents=Document, origin=SYSTEM, now=timezone.now())
    assert Consent.objects.filter(user=user).count() == 2
    assert AuditRecord.objects.filter(action="consent.give").count() == 2


def test_who_never_accepted_an_older_version_is_not_told_of_a_change(user):
    assert changed_since_accepted(user) == []


def test_a_changed_text_is_shown_until_it_is_accepted(client, user, changed_text):
    client.force_login(user)
    assert "This text changed since you accepted it" in client.get("/dashboard/").content.decode()
    assert "I have read it and accept it" in client.get("/legal/terms/").content.decode()
    client.post("/legal/accept/")
    assert changed_since_accepted(user) == []
    assert "This text changed" not in client.get("/dashboard/").content.decode()


def test_accepting_needs_a_person_and_a_press(client, user):
    assert client.post("/legal/accept/").status_code == 302  # to the log-in
    assert not Consent.objects.exists()
    client.force_login(user)
    assert client.get("/legal/accept/").status_code == 405


def test_the_version_in_force_is_the_last_one(monkeypatch):
    monkeypatch.setitem(consents.VERSIONS, Document.TERMS, [OLD, "2026-11-26"])
    assert in_force(Document.TERMS) == "2026-11-26"
