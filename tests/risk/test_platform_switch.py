"""Switches of the staff's, as an administrator sets them in the admin."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.roles import Role
from accounts.services import create_user
from compliance.models import AuditRecord
from risk.models import PlatformSwitch
from tests.factories import PASSWORD

SWITCHES = "/admin/risk/platformswitch/"


def staff(role: Role) -> Client:
    client = Client()
    client.force_login(create_user(email=f"{role.value}@example.org", password=PASSWORD, role=role))
    return client


def test_an_administrator_stops_a_strategy_in_the_admin_and_lets_it_go_on(strategy):
    client = staff(Role.ADMIN)
    asked = {"exchange": "", "strategy": strategy.pk, "mode": "close_only", "reason": "odd fills"}
    assert client.post(f"{SWITCHES}add/", asked).status_code == 302
    switch = PlatformSwitch.objects.get()
    assert (switch.strategy, switch.mode, switch.reason, switch.lifted_at) == (
        strategy,
        "close_only",
        "odd fills",
        None,
    )
    assert client.get(SWITCHES).status_code == 200
    assert client.post(SWITCHES, {"action": "lift", "_selected_action": switch.pk}).status_code == 302
    switch.refresh_from_db()
    assert switch.lifted_at
    recorded = AuditRecord.objects.filter(action="kill_switch.change").order_by("pk")
    assert [row.detail["kill_switch"] for row in recorded] == ["close_only", "off"]


@pytest.mark.parametrize("role", [Role.COMPLIANCE, Role.AUDITOR])
def test_other_staff_neither_see_nor_set_a_switch(role, db):
    client = staff(role)
    for address in (SWITCHES, f"{SWITCHES}add/"):
        assert client.get(address).status_code == 403
    asked = {"exchange": "", "strategy": "", "mode": "freeze", "reason": "x"}
    assert client.post(f"{SWITCHES}add/", asked).status_code == 403
    assert not PlatformSwitch.objects.exists()
