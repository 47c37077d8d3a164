"""Each act by a request leaves who, what, when, from where, with which outcome, and the request's id."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.roles import Role
from accounts.services import create_user
from compliance.models import AuditRecord
from tests.conftest import token_of
from tests.factories import PASSWORD

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


USER, NOBODY, AUDITOR, BOSS = "user", "", "auditor", "boss"
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
]  # fmt: skip


@pytest.fixture
def world(user, api, api_of):
    auditor = create_user(email="auditor@example.org", password=PASSWORD, role=Role.AUDITOR)
    boss = create_user(email="admin@example.org", password=PASSWORD, role=Role.ADMIN)
    page, staff = Client(), Client()
    page.force_login(user)
    staff.force_login(boss)
    return SimpleNamespace(
        user=user, auditor=auditor, boss=boss, page=page, staff=staff, api=api,
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
