"""The page of API tokens, and the mails about them and about log-ins."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import tasks, telling, token_store
from accounts.models import AccessToken
from compliance.audit import SYSTEM
from tests.conftest import token_of
from tests.factories import PASSWORD

NEW = {"name": "my bot", "scopes": ["read", "trade"], "expires_in_days": "90", "allowed_ips": ""}


@pytest.fixture
def page(user):
    """Logged in, and the password given once more a moment ago."""
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def test_a_token_is_shown_once_and_works(page, user):
    made = page.post("/settings/tokens/", NEW)
    text = made.context["issued"].text
    assert text in made.content.decode()
    assert "no-store" in made["Cache-Control"]
    assert text not in page.get("/settings/tokens/").content.decode()
    assert Client().get("/api/v1/me/", HTTP_AUTHORIZATION=f"Bearer {text}").status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"scopes": ["everything"]},
        {"scopes": []},
        {"name": ""},
        {"expires_in_days": "9999"},
        {"allowed_ips": "x"},
    ],
)
def test_what_means_nothing_makes_no_token(page, change):
    assert page.post("/settings/tokens/", NEW | change).status_code == 422
    assert not AccessToken.objects.exists()


def test_a_session_of_long_ago_proves_itself_before_it_makes_a_token(user):
    client = Client()
    client.force_login(user)
    response = client.post("/settings/tokens/", NEW)
    assert response["Location"].startswith("/accounts/reauthenticate/")
    assert not AccessToken.objects.exists()


def test_one_is_revoked_and_strangers_tokens_are_not_found(page, user, stranger, api_of):
    api, foreign = api_of(user), api_of(stranger)
    theirs = AccessToken.objects.get(user=stranger)
    assert page.post(f"/settings/tokens/{theirs.public_id}/revoke/").status_code == 404
    own = AccessToken.objects.get(user=user)
    page.post(f"/settings/tokens/{own.public_id}/revoke/")
    assert (api.get("/api/v1/me/").status_code, foreign.get("/api/v1/me/").status_code) == (401, 200)


def test_all_are_revoked_at_once(page, user, stranger, api_of):
    mine, foreign = [api_of(user), api_of(user)], api_of(stranger)
    page.post("/settings/tokens/revoke-all/")
    assert [one.get("/api/v1/me/").status_code for one in [*mine, foreign]] == [401, 401, 200]


def test_a_new_token_is_told_by_mail_without_it(user, mailoutbox):
    text = token_of(user)
    tasks.mail_notifications()
    (mail,) = mailoutbox
    assert mail.to == [user.email]
    assert text[:10] in mail.body
    assert text not in mail.body


def test_the_end_of_a_token_is_told_once_a_week_ahead(user, mailoutbox):
    now = timezone.now()
    for days in (3, 30):
        token_store.issue_token(
            user=user, name=f"{days}", scopes=["read"], expires_at=now + timedelta(days=days), origin=SYSTEM
        )
    assert [token_store.tell_of_expiry(now=now) for _ in range(2)] == [1, 0]
    tasks.mail_notifications()
    subjects = sorted(mail.subject for mail in mailoutbox)
    assert subjects == ["A new API token was made", "A new API token was made", "An API token expires soon"]


def test_of_an_end_that_another_process_tells_meanwhile_nobody_is_told_twice(user, monkeypatch):
    now = timezone.now()
    for name in "ab":
        token_store.issue_token(
            user=user, name=name, scopes=["read"], expires_at=now + timedelta(days=3), origin=SYSTEM
        )
    told = []

    def tell(token, *, now):
        told.append(token.name)
        AccessToken.objects.update(expiry_told_at=now)

    monkeypatch.setattr(telling, "token_expires", tell)
    assert token_store.tell_of_expiry(now=now) == 1
    assert len(told) == 1


def test_a_text_in_the_right_form_that_was_never_issued_is_nobodys(user):
    assert token_store.is_well_formed(token_store._new_text())
    assert token_store.find_by_text(token_store._new_text()) is None


def test_a_new_device_is_told_by_mail_and_the_first_one_is_not(user, mailoutbox):
    for agent in ("Firefox", "Firefox", "Netscape", "Netscape"):
        data = {"login": user.email, "password": PASSWORD}
        Client().post("/accounts/login/", data, HTTP_USER_AGENT=agent)
    tasks.mail_notifications()
    (mail,) = mailoutbox
    assert (mail.to, "Netscape" in mail.body) == ([user.email], True)
