"""The table of `accounts/consequences.py`, row by row."""

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from accounts.services import create_user
from tests.factories import PASSWORD

NEW_PASSWORD = "another correct horse"


def logged_in(user: User) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def change_password(user: User, here: Client) -> None:
    data = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    here.post("/accounts/password/change/", data)


def remove_factor(user: User, here: Client) -> None:
    TOTP.activate(user, "JBSWY3DPEHPK3PXP")
    here.post("/accounts/2fa/totp/deactivate/")


@pytest.mark.parametrize("event", [change_password, remove_factor])
def test_a_new_password_or_a_lost_factor_ends_all_but_this_log_in(user, api, event):
    here, elsewhere = logged_in(user), logged_in(user)
    assert elsewhere.get("/api/v1/me/").status_code == 200
    event(user, here)
    assert here.get("/api/v1/me/").status_code == 200
    assert (elsewhere.get("/api/v1/me/").status_code, api.get("/api/v1/me/").status_code) == (401, 401)


def test_a_suspension_ends_everything_and_its_end_revives_no_token(user, api):
    boss = create_user(email="boss@example.org", password=PASSWORD, role=Role.ADMIN)
    here = logged_in(user)
    staff = Client()
    staff.force_login(boss)
    address = f"/admin/accounts/user/{user.pk}/change/"
    assert staff.post(address, {}).status_code == 302
    user.refresh_from_db()
    assert not user.is_active
    assert (here.get("/api/v1/me/").status_code, api.get("/api/v1/me/").status_code) == (401, 401)
    staff.post(address, {"is_active": "on"})
    assert (here.get("/api/v1/me/").status_code, api.get("/api/v1/me/").status_code) == (401, 401)


def test_a_lost_identity_check_leaves_log_ins_alone(user, api):
    User.objects.filter(pk=user.pk).update(kyc_status="rejected")
    assert api.get("/api/v1/me/").json()["kyc_status"] == "rejected"
