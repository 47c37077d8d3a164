"""Erasing a person."""

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import KycCase, User
from compliance.models import AuditRecord
from tests.conftest import token_of
from tests.factories import PASSWORD, ExchangeAccountFactory, SubscriptionFactory
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
    call_command("create_user", "ana@example.org", "--password", PASSWORD)


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


def test_nobody_is_said_to_be_nobody(db):
    with pytest.raises(CommandError, match="no such user"):
        call_command("erase_user", "nobody@example.org")
