"""People, their roles and their log-in."""

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from accounts.services import EmailTaken, create_user
from compliance.models import AuditRecord
from copytrade import demo
from tests.factories import PASSWORD


def test_the_command_makes_a_person_who_can_log_in_at_once(db):
    call_command("create_user", "Eva@Example.org", "--password", PASSWORD, "--kyc-approved")
    user = User.objects.get(email="eva@example.org")
    assert (user.roles, user.kyc_status, user.is_staff) == (["trader"], "approved", False)
    response = Client().post("/accounts/login/", {"login": "EVA@example.org", "password": PASSWORD})
    assert response.status_code == 302
    record = AuditRecord.objects.get(action="login.success")
    assert record.actor == str(user.public_id)


@pytest.mark.parametrize("email", ["ana@example.org", "ANA@EXAMPLE.ORG", " Ana@example.org"])
def test_an_address_is_taken_in_any_case_and_nothing_changes(user, email):
    before = User.objects.values().get()
    with pytest.raises(CommandError, match="already"):
        call_command("create_user", email, "--password", PASSWORD, "--role", "admin")
    assert User.objects.values().get() == before
    assert user.roles == ["trader"]


def test_the_database_itself_keeps_addresses_apart(user):
    with pytest.raises(EmailTaken):
        create_user(email="aNa@example.org", password=PASSWORD)


def test_what_is_no_address_is_refused(db):
    with pytest.raises(CommandError, match="not an e-mail address"):
        call_command("create_user", "nobody", "--password", PASSWORD)


@pytest.mark.parametrize(
    ("password", "sentence"),
    [("short", "at least 10 characters"), ("1234567890", "too common"), ("eva@example", "too similar")],
)
def test_a_password_that_sign_up_refuses_is_refused_with_its_sentence(db, password, sentence):
    with pytest.raises(CommandError, match=sentence):
        call_command("create_user", "eva@example.org", "--password", password)
    assert not User.objects.exists()


def test_everybody_of_the_demo_gets_a_password_that_is_accepted(db):
    followers = [demo.follower_email(number) for number in range(demo.FOLLOWERS)]
    for email in (*followers, *demo.STAFF, *(master.email for master in demo.MASTERS)):
        create_user(email=email, password=demo.PASSWORD)


def test_staff_may_do_in_the_admin_what_their_role_says(db):
    admin = create_user(email="admin@example.org", password=PASSWORD, role=Role.ADMIN)
    auditor = create_user(email="auditor@example.org", password=PASSWORD, role=Role.AUDITOR)
    assert admin.is_staff
    assert admin.has_perm("wallets.view_exchangeaccount")
    assert not admin.has_perm("wallets.change_exchangeaccount")
    assert auditor.has_perm("compliance.view_auditrecord")
    assert not auditor.has_perm("accounts.view_user")


def test_the_admin_is_entered_by_the_ordinary_log_in(db):
    response = Client().get("/admin/login/?next=/admin/")
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_a_failed_log_in_is_recorded_without_what_was_typed(user):
    for login in ("ana@example.org", "my-password-by-mistake@example.org"):
        Client().post("/accounts/login/", {"login": login, "password": "wrong"})
    rows = AuditRecord.objects.filter(action="login.failure").order_by("id")
    assert [row.object for row in rows] == [str(user.public_id), ""]
    assert "mistake" not in str(list(rows.values()))


def test_who_signs_up_is_a_trader(db):
    Client().post(
        "/accounts/signup/", {"email": "new@example.org", "password1": PASSWORD, "password2": PASSWORD}
    )
    assert User.objects.get(email="new@example.org").roles == ["trader"]


def test_signing_up_takes_no_more_than_it_asks_for(db):
    smuggled = {
        "is_staff": "on",
        "is_superuser": "true",
        "kyc_status": "approved",
        "roles": "admin",
        "groups": "1",
        "id": "1",
        "public_id": "0199a6f2-7c1e-7d30-9b51-3f1f6a0c2a11",
    }
    asked = {"email": "new@example.org", "password1": PASSWORD, "password2": PASSWORD}
    Client().post("/accounts/signup/", asked | smuggled)
    new = User.objects.get(email="new@example.org")
    assert (new.is_staff, new.is_superuser, new.kyc_status, new.roles) == (
        False,
        False,
        "not_submitted",
        ["trader"],
    )
    assert str(new.public_id) != smuggled["public_id"]


def test_of_oneself_only_time_zone_and_currency_change(api, user):
    response = api.patch("/api/v1/me/", {"time_zone": "Europe/Madrid", "report_currency": "EUR"})
    assert response.json() == {
        "id": str(user.public_id),
        "email": "ana@example.org",
        "roles": ["trader"],
        "kyc_status": "approved",
        "time_zone": "Europe/Madrid",
        "report_currency": "EUR",
    }
    refused = api.patch(
        "/api/v1/me/", {"email": "x@example.org", "roles": ["admin"], "kyc_status": "approved"}
    )
    assert {error["code"] for error in refused.json()["errors"]} == {"unknown_field"}


@pytest.mark.parametrize(
    "body",
    [
        {"time_zone": "Mars/Base"},
        {"time_zone": "../../etc/passwd"},
        {"report_currency": "eur"},
        {"report_currency": "XYZ"},
        {"report_currency": ""},
        {"report_currency": ["EUR"]},
    ],
)
def test_preferences_that_mean_nothing_are_refused(api, body):
    assert api.patch("/api/v1/me/", body).status_code == 400


def test_a_currency_that_nobody_knows_is_no_choice(api, user):
    (error,) = api.patch("/api/v1/me/", {"report_currency": "XYZ"}).json()["errors"]
    assert (error["code"], error["attr"]) == ("invalid_choice", "report_currency")
    for currency in ("USDT", "USDC", "USD", "EUR", "GBP", "CHF", "JPY", "BTC", "ETH"):
        assert api.patch("/api/v1/me/", {"report_currency": currency}).json()["report_currency"] == currency


def test_the_admin_does_not_bring_back_who_is_leaving(user):
    boss = create_user(email="boss@example.org", password=PASSWORD, role=Role.ADMIN)
    User.objects.filter(pk=user.pk).update(is_active=False, leaving_since=timezone.now())
    staff = Client()
    staff.force_login(boss)
    answer = staff.post(f"/admin/accounts/user/{user.pk}/change/", {"is_active": "on"})
    assert answer.status_code == 302
    user.refresh_from_db()
    assert not user.is_active
