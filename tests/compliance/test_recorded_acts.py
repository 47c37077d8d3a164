"""Each act leaves a record that says who, from where, and whether it was refused."""

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib import admin
from django.test import Client
from django_celery_beat.models import IntervalSchedule
from rest_framework.test import APIClient

from accounts.models import User
from accounts.roles import Role
from accounts.services import create_user, give_role
from compliance.admin_changes import RecordedChanges
from compliance.audit import Origin
from compliance.models import AuditRecord
from tests.compliance.conftest import record_some, seal_everything
from tests.conftest import token_of
from tests.factories import PASSWORD

ME = "/api/v1/me/"


def records(action, **more):
    return AuditRecord.objects.filter(action=action, **more).order_by("id")


@pytest.fixture
def boss(db):
    return create_user(email="admin@example.org", password=PASSWORD, role=Role.ADMIN)


@pytest.fixture
def staff(boss):
    client = Client()
    client.force_login(boss)
    return client


def test_reading_with_a_token_is_recorded_once_a_minute_for_each_address_and_program(api, user):
    for _ in range(3):
        api.get(ME, HTTP_USER_AGENT="bot/1", REMOTE_ADDR="192.0.2.1")
    api.get("/api/v1/tokens/", HTTP_USER_AGENT="bot/2", REMOTE_ADDR="192.0.2.1")
    api.get(ME, HTTP_USER_AGENT="bot/1", REMOTE_ADDR="192.0.2.2")
    first, second, third = records("token.use")
    assert (first.actor, first.ip, first.user_agent) == (str(user.public_id), "192.0.2.1", "bot/1")
    assert first.detail == {"request": "GET /api/v1/me/"}
    assert str(first.token_id) == first.object
    assert (second.user_agent, third.ip) == ("bot/2", "192.0.2.2")


def test_what_changes_something_has_the_record_of_its_nonce_and_no_second_one(api):
    api.patch(ME, {})
    assert not records("token.use").exists()
    assert records("nonce.use").get().object == "PATCH /api/v1/me/"


def test_a_token_without_the_scope_is_recorded(user, api_of):
    api_of(user, "read").patch(ME, {})
    row = records("token.failure").get()
    assert (row.outcome, row.detail, row.object) == ("refused", {"reason": "scope"}, str(row.token_id))


def test_a_token_that_wants_to_issue_tokens_is_recorded(api):
    assert api.post("/token/issue", {"name": "x", "scopes": ["read"]}).status_code == 403
    assert records("token.issue", outcome="refused").get().detail == {"code": "token_cannot_issue"}


def test_a_role_that_is_given_is_recorded_once(user):
    by = Origin(actor="somebody")
    give_role(user=user, role=Role.AUDITOR, origin=by)
    give_role(user=user, role=Role.AUDITOR, origin=by)
    row = records("role.change", actor="somebody").get()
    assert (row.object, row.detail) == (str(user.public_id), {"given": "auditor"})


def test_a_wrong_second_factor_is_recorded(user):
    TOTP.activate(user, "JBSWY3DPEHPK3PXP")
    page = Client()
    page.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    page.post("/accounts/2fa/authenticate/", {"code": "000000"}, HTTP_USER_AGENT="thief/1")
    row = records("login.failure").get()
    assert (row.object, row.user_agent, row.detail) == (
        str(user.public_id),
        "thief/1",
        {"reason": "second factor"},
    )
    assert Authenticator.objects.filter(user=user).count() == 1
    assert not records("login.success").exists()


def test_keys_that_the_exchange_refuses_are_recorded_without_them(api):
    """Nothing listens there; whatever comes of it, the attempt was made."""
    body = {"exchange": "binance", "label": "Main", "api_key": "k" * 20, "secret": "very-secret"}
    assert api.post("/api/v1/wallets/exchange-accounts/", body).status_code in {400, 503}
    row = records("exchange_account.create").get()
    assert row.outcome == "refused"
    assert row.detail["exchange"] == "binance"
    assert "secret" not in str(row.detail)


def test_a_change_in_the_admin_is_recorded_with_its_fields_and_not_their_values(staff, boss, user):
    answer = staff.post(f"/admin/accounts/user/{user.pk}/change/", {"display_name": "x"})
    assert answer.status_code == 302
    row = records("admin.change").get()
    assert row.actor == str(boss.public_id)
    assert row.object == f"accounts.user {user.public_id}"
    assert row.detail == {"act": "change", "fields": ["Is active"]}
    assert row.ip == "127.0.0.1"
    assert not User.objects.get(pk=user.pk).is_active


INTERVAL = {
    "every": "7",
    "period": "days",
    "periodictask_set-TOTAL_FORMS": "0",
    "periodictask_set-INITIAL_FORMS": "0",
}


def test_what_packages_bring_into_the_admin_is_recorded_too(staff, boss):
    User.objects.filter(pk=boss.pk).update(is_superuser=True)
    staff.post("/admin/django_celery_beat/intervalschedule/add/", INTERVAL)
    interval = IntervalSchedule.objects.get(every=7)
    staff.post(f"/admin/django_celery_beat/intervalschedule/{interval.pk}/delete/", {"post": "yes"})
    acts = [(row.object, row.detail["act"]) for row in records("admin.change")]
    name = f"django_celery_beat.intervalschedule {interval.pk}"
    assert acts == [(name, "add"), (name, "delete")]


def test_no_table_of_the_admin_is_called_by_a_plural_that_no_english_has():
    """Django only adds an s."""
    names = [str(model._meta.verbose_name_plural) for model in admin.site._registry]
    assert not [name for name in names if re.search(r"([^aeiou]y|s|x|z|ch|sh)s$", name)]


def test_no_table_of_the_admin_is_without_the_record():
    assert all(isinstance(one, RecordedChanges) for one in admin.site._registry.values())


def test_reading_the_record_in_the_admin_is_recorded(staff, boss):
    staff.get("/admin/compliance/auditrecord/?action=export")
    row = AuditRecord.objects.latest("id")
    assert (row.action, row.actor) == ("audit.read", str(boss.public_id))
    staff.get(f"/admin/compliance/auditrecord/{row.pk}/change/")
    assert AuditRecord.objects.latest("id").detail == {"record": str(row.pk)}


def test_behind_a_trusted_proxy_the_callers_own_address_is_recorded(user, settings):
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {token_of(user)}")
    client.get(ME, REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="198.51.100.7")
    assert records("token.use").get().ip == "198.51.100.7"


def unsealed_in_metrics(client):
    (number,) = re.findall(r"^copytrade_audit_unsealed (\S+)$", client.get("/metrics").content.decode(), re.M)
    return float(number)


def test_the_unsealed_are_in_the_metrics(transactional_db, client):
    record_some(2)
    assert unsealed_in_metrics(client) == 2
    seal_everything()
    assert unsealed_in_metrics(client) == 0
