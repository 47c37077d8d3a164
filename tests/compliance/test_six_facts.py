"""Each act by a request leaves who, what, when, from where, with which outcome, and the request's id."""

from types import SimpleNamespace
from typing import Any

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.consents import in_force
from accounts.kyc.models import KycCase
from accounts.models import Consent, RoleRequest
from accounts.roles import Role
from accounts.services import create_user
from compliance.models import AuditRecord
from tests.accounts.conftest import DOCUMENTS, private_folder
from tests.accounts.papers import image
from tests.conftest import token_of
from tests.factories import PASSWORD
from tests.one_time_codes import one_time_code
from tests.wallets.conftest import venue, wallets_venue

__all__ = ["private_folder", "venue", "wallets_venue"]

WRONG = {"api_key": "k" * 20, "secret": "s" * 20}
ACCOUNTS = "/api/v1/wallets/exchange-accounts/"
ME, LIMITS, AUDIT = "/api/v1/me/", "/api/v1/risk/limits/", "/api/v1/audit/"
TOKEN = {"name": "bot", "scopes": ["read"]}
ADDRESS = {
    "exchange": "binance",
    "network": "bitcoin",
    "address": "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
    "label": "Cold store",
    "direction": "withdrawal",
}
FROM: dict[str, Any] = {
    "REMOTE_ADDR": "192.0.2.44",
    "HTTP_USER_AGENT": "program/7",
    "HTTP_X_REQUEST_ID": "request-0000001",
}


def log_in(world, password):
    return Client().post("/accounts/login/", {"login": world.user.email, "password": password}, **FROM)


def address(world):
    return f"/api/v1/wallets/addresses/{world.api.post('/api/v1/wallets/addresses/', ADDRESS).json()['id']}/"


def send(world, data, **origin):
    body = {"kind": "passport", "file": ContentFile(data, "passport.jpg")}
    return world.applicant_api.post(DOCUMENTS, body, format="multipart", **origin)


def review(world, path="change/", **body):
    case = KycCase.objects.get()
    address = f"/admin/accounts/kyccase/{case.pk}/{path}"
    return (
        world.reviewer_page.post(address, body, **FROM) if body else world.reviewer_page.get(address, **FROM)
    )


def decide(world):
    send(world, image())
    review(world, decision="rejected", reason="Blurred")


def look(world):
    send(world, image())
    review(world, f"documents/{KycCase.objects.get().documents.get().public_id}/")


def accept(world):
    Consent.objects.create(
        user=world.user, document="terms", version=in_force("terms"), given_at=timezone.now()
    )
    world.page.post("/legal/accept/", **FROM)


def ask_for_role(world, **origin):
    body = {"user": world.user.pk, "act": "give", "role": "auditor", "reason": "joins the team"}
    world.staff.post("/admin/accounts/rolerequest/add/", body, **origin)


def decide_on_role(world, by):
    ask_for_role(world)
    wanted = RoleRequest.objects.get().pk
    by.post("/admin/accounts/rolerequest/", {"action": "approve", "_selected_action": [wanted]}, **FROM)


def keys_at_venue(world):
    account = world.venue.open_account(balances={"USDT": "100"})
    return {"api_key": account["api_key"], "secret": account["secret"]}


def connect(world, keys, **origin):
    return world.api.post(ACCOUNTS, {"exchange": "binance", "label": "Main", **keys}, **origin).json()


def rotate(world, new=None):
    keys = keys_at_venue(world)
    account = connect(world, keys)
    world.api.post(f"{ACCOUNTS}{account['id']}/rotate/", new or keys, **FROM)


def disconnect(world):
    account = connect(world, keys_at_venue(world))
    world.api.delete(f"{ACCOUNTS}{account['id']}/", **FROM)


def fresh_log_in(world):
    client = Client()
    client.post("/accounts/login/", {"login": world.user.email, "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def change_password(world):
    new = "another correct horse"
    body = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    fresh_log_in(world).post("/accounts/password/change/", body, **FROM)


def end_other_session(world):
    here, _elsewhere = fresh_log_in(world), fresh_log_in(world)
    here.post("/accounts/sessions/", **FROM)


def set_up_factor(world):
    client = fresh_log_in(world)
    RecoveryCodes.activate(world.user)  # else they are set up with it, a record of their own
    client.get("/accounts/2fa/totp/activate/")
    secret = client.session["mfa.totp.secret"]
    client.post("/accounts/2fa/totp/activate/", {"code": one_time_code(secret)}, **FROM)


def remove_factor(world):
    client = fresh_log_in(world)
    TOTP.activate(world.user, "JBSWY3DPEHPK3PXP")
    client.post("/accounts/2fa/totp/deactivate/", **FROM)


USER, NOBODY, AUDITOR, BOSS, SECOND, REVIEWER, APPLICANT = (
    "user",
    "",
    "auditor",
    "boss",
    "second",
    "reviewer",
    "applicant",
)
ACTS = [
    ("token.issue", "success", USER,
     lambda w: w.page.post("/token/issue", TOKEN, "application/json", **FROM)),
    ("token.issue", "refused", USER, lambda w: w.api.post("/token/issue", TOKEN, **FROM)),
    ("token.use", "success", USER, lambda w: w.api.get(ME, **FROM)),
    ("token.failure", "refused", NOBODY, lambda w: APIClient(HTTP_AUTHORIZATION="Bearer x").get(ME, **FROM)),
    ("token.failure", "refused", USER, lambda w: w.reader.patch(ME, {}, **FROM)),
    ("token.revoke", "success", USER, lambda w: w.api.post("/token/revoke", {"token": w.other}, **FROM)),
    ("nonce.use", "success", USER, lambda w: w.api.patch(ME, {}, **FROM)),
    ("nonce.refused", "refused", USER, lambda w: w.api.patch(ME, {}, HTTP_X_NONCE="!", **FROM)),
    ("login.success", "success", USER, lambda w: log_in(w, PASSWORD)),
    ("login.failure", "refused", None, lambda w: log_in(w, "wrong")),
    ("kill_switch.change", "success", USER, lambda w: w.api.put(LIMITS, {"kill_switch": True}, **FROM)),
    ("withdrawal_address.create", "success", USER,
     lambda w: w.api.post("/api/v1/wallets/addresses/", ADDRESS, **FROM)),
    ("withdrawal_address.confirm", "refused", USER,
     lambda w: w.api.post(f"{address(w)}confirm/", {"code": "00000000"}, **FROM)),
    ("withdrawal_address.delete", "success", USER, lambda w: w.api.delete(address(w), **FROM)),
    ("export", "success", USER, lambda w: w.api.get("/api/v1/trades/export?format=csv", **FROM)),
    ("export", "success", AUDITOR, lambda w: w.auditor_api.get(f"{AUDIT}export?format=json", **FROM)),
    ("audit.read", "success", AUDITOR, lambda w: w.auditor_api.get(AUDIT, **FROM)),
    ("audit.read", "refused", USER, lambda w: w.api.get(AUDIT, **FROM)),
    ("admin.change", "success", BOSS,
     lambda w: w.staff.post(f"/admin/accounts/user/{w.user.pk}/change/", {"display_name": "x"}, **FROM)),
    ("admin.change", "success", BOSS, lambda w: ask_for_role(w, **FROM)),
    ("role.change", "success", SECOND, lambda w: decide_on_role(w, w.second_page)),
    ("role.change", "refused", BOSS, lambda w: decide_on_role(w, w.staff)),
    ("consent.give", "success", USER, accept),
    ("kyc.submit", "success", APPLICANT, lambda w: send(w, image(), **FROM)),
    ("kyc.submit", "refused", APPLICANT, lambda w: send(w, b"", **FROM)),
    ("kyc.decide", "success", REVIEWER, decide),
    ("kyc.view", "success", REVIEWER, look),
    ("exchange_account.create", "success", USER, lambda w: connect(w, keys_at_venue(w), **FROM)),
    ("exchange_account.create", "refused", USER,
     lambda w: connect(w, WRONG, **FROM)),
    ("exchange_account.change", "success", USER, rotate),
    ("exchange_account.change", "refused", USER, lambda w: rotate(w, WRONG)),
    ("exchange_account.delete", "success", USER, disconnect),
    ("export", "refused", USER, lambda w: w.api.get(f"{AUDIT}export?format=json", **FROM)),
    ("session.end", "success", USER, end_other_session),
    ("session.end", "success", USER, lambda w: fresh_log_in(w).post("/accounts/logout/", **FROM)),
    ("password.change", "success", USER, change_password),
    ("second_factor.add", "success", USER, set_up_factor),
    ("second_factor.remove", "success", USER, remove_factor),
]  # fmt: skip


@pytest.fixture
def world(user, api, api_of, venue, private_folder):
    second = create_user(email="second@example.org", password=PASSWORD, role=Role.ADMIN)
    reviewer = create_user(email="reviewer@example.org", password=PASSWORD, role=Role.COMPLIANCE)
    applicant = create_user(email="nina@example.org", password=PASSWORD)
    second_page, reviewer_page = Client(), Client()
    second_page.force_login(second)
    reviewer_page.force_login(reviewer)
    auditor = create_user(email="auditor@example.org", password=PASSWORD, role=Role.AUDITOR)
    boss = create_user(email="admin@example.org", password=PASSWORD, role=Role.ADMIN)
    page, staff = Client(), Client()
    page.force_login(user)
    staff.force_login(boss)
    return SimpleNamespace(
        user=user, auditor=auditor, boss=boss, page=page, staff=staff, api=api,
        second=second, reviewer=reviewer, second_page=second_page, reviewer_page=reviewer_page, venue=venue,
        applicant=applicant, applicant_api=api_of(applicant),
        reader=api_of(user, "read"), auditor_api=api_of(auditor, "read"), other=token_of(user, "read"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("action", "outcome", "who", "act"), ACTS, ids=[f"{a} {o} {w}" for a, o, w, _ in ACTS]
)
def test_an_act_is_recorded_with_all_six_facts(world, action, outcome, who, act):
    began = timezone.now()
    act(world)
    row = AuditRecord.objects.filter(action=action, request_id=FROM["HTTP_X_REQUEST_ID"]).get()
    assert row.outcome == outcome
    assert (row.ip, row.user_agent) == (FROM["REMOTE_ADDR"], FROM["HTTP_USER_AGENT"])
    assert began <= row.at <= timezone.now()
    if who is None:  # A wrong password is nobody's act; whose it was tried on is its object.
        assert (row.actor, row.object) == ("", str(world.user.public_id))
    else:
        assert row.actor == (str(getattr(world, who).public_id) if who else "")
