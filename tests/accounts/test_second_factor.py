"""Second factors: sealed at rest, and no staff without one."""

import base64
import secrets

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.core.management import call_command
from django.test import Client

from accounts.roles import Role
from accounts.second_factor import MfaAdapter
from accounts.services import create_user
from tests.conftest import STAFF_PATHS
from tests.factories import PASSWORD
from tests.one_time_codes import one_time_code

SECRET = "JBSWY3DPEHPK3PXP"


@pytest.fixture
def staff_gate(monkeypatch):
    monkeypatch.setattr("accounts.second_factor.STAFF_PATHS", STAFF_PATHS)


@pytest.fixture
def boss(db):
    return create_user(email="boss@example.org", password=PASSWORD, role=Role.ADMIN)


def test_secrets_and_recovery_codes_are_sealed_at_rest(user):
    TOTP.activate(user, SECRET)
    codes = RecoveryCodes.activate(user)
    kept = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert SECRET not in kept
    assert not any(code in kept for code in codes.get_unused_codes())
    assert Authenticator.objects.get(type="totp").wrap().validate_code(one_time_code(SECRET))


def test_rotation_seals_second_factors_anew_and_what_an_older_version_left_in_the_clear(user, settings):
    old, new = (base64.urlsafe_b64encode(secrets.token_bytes(32)).decode() for _ in range(2))
    settings.FIELD_ENCRYPTION_KEYS = [old]
    TOTP.activate(user, SECRET)
    codes = RecoveryCodes.activate(user).get_unused_codes()
    other = create_user(email="x@example.org", password=PASSWORD)
    Authenticator.objects.create(user=other, type="totp", data={"secret": SECRET})
    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    call_command("rotate_keys")
    settings.FIELD_ENCRYPTION_KEYS = [new]
    secrets_now = [one.data["secret"] for one in Authenticator.objects.filter(type="totp")]
    assert [MfaAdapter().decrypt(text) for text in secrets_now] == [SECRET, SECRET]
    assert SECRET not in secrets_now
    assert Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes() == codes


@pytest.mark.parametrize("path", ["/admin/", "/admin/accounts/user/", "/audit/"])
def test_staff_without_a_second_factor_are_led_to_setting_it_up(staff_gate, boss, path):
    client = Client()
    client.force_login(boss)
    response = client.get(path)
    assert (response.status_code, response["Location"]) == (302, "/accounts/2fa/")
    assert client.get("/accounts/2fa/").status_code == 200


def test_a_programs_request_in_a_session_without_a_second_factor_is_refused_in_json(staff_gate, boss):
    client = Client()
    client.force_login(boss)
    response = client.get("/api/v1/audit/")
    assert response.status_code == 403
    (error,) = response.json()["errors"]
    assert (error["code"], error["attr"]) == ("second_factor_required", None)


def test_new_staff_get_in_with_password_set_up_a_factor_and_then_need_it(staff_gate, boss, monkeypatch):
    client = Client()
    client.post("/accounts/login/", {"login": boss.email, "password": PASSWORD})
    monkeypatch.setattr("allauth.mfa.totp.internal.auth.generate_totp_secret", lambda: SECRET)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert client.get("/accounts/2fa/totp/activate/").status_code == 200
    client.post("/accounts/2fa/totp/activate/", {"code": one_time_code(SECRET)})
    assert client.get("/admin/").status_code == 200
    elsewhere = Client()
    response = elsewhere.post("/accounts/login/", {"login": boss.email, "password": PASSWORD})
    assert response["Location"].startswith("/accounts/2fa/authenticate/")
    assert elsewhere.get("/admin/").status_code == 302


def test_staff_do_not_give_up_their_last_factor(boss, user):
    assert not MfaAdapter().can_delete_authenticator(TOTP.activate(boss, SECRET).instance)
    assert MfaAdapter().can_delete_authenticator(TOTP.activate(user, SECRET).instance)
