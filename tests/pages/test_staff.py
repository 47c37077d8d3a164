from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from accounts.services import create_user, give_role
from compliance.audit import SYSTEM
from tests.factories import PASSWORD, SubscriptionFactory
from tests.pages.market import text_of


def person(role: Role) -> User:
    return create_user(email=f"{role.value}@example.org", password=PASSWORD, role=role)


def navigation_of(response) -> list[str]:
    return [item.address for item in response.context["navigation"]]


@pytest.mark.parametrize(
    ("role", "told"),
    [
        (Role.COMPLIANCE, "whose identity waits for a decision"),
        (Role.AUDITOR, "the audit trail: who did what"),
        (Role.ADMIN, "people you can change"),
    ],
)
def test_staff_are_led_to_what_they_may_look_at(role, told, client, db):
    client.force_login(person(role))
    answer = client.get("/dashboard/")
    shown = text_of(answer)
    own = {
        Role.AUDITOR: ["/audit/"],
        Role.COMPLIANCE: ["/admin/accounts/kyccase/"],
        Role.ADMIN: ["/operations/"],
    }[role]
    assert navigation_of(answer) == ["/dashboard/", "/strategies/", *own, "/admin/"]
    assert told in shown
    assert "Nothing is copied yet" not in shown
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize("role", [Role.COMPLIANCE, Role.AUDITOR, Role.ADMIN])
def test_staff_are_not_asked_to_follow(role, client, strategy):
    client.force_login(person(role))
    assert "/follow/" not in text_of(client.get(f"/strategies/{strategy.slug}/"))


def test_traders_and_visitors_are_asked_to_follow_and_see_no_admin(page, strategy):
    address = f"/strategies/{strategy.slug}/"
    for answer in (Client().get(address), page.get(address)):
        assert f"{address}follow/" in text_of(answer)
        assert "/admin/" not in navigation_of(answer)


def test_an_administrator_who_also_trades_has_the_pages_of_a_trader(client, db):
    both = person(Role.ADMIN)
    give_role(user=both, role=Role.TRADER, origin=SYSTEM)
    client.force_login(both)
    answer = client.get("/dashboard/")
    assert "/orders/" in navigation_of(answer)
    assert "Nothing is copied yet" in text_of(answer)


def test_copies_of_staff_stay_in_sight(client, db):
    staff = person(Role.ADMIN)
    subscription = SubscriptionFactory.create(follower=staff)
    client.force_login(staff)
    assert str(subscription.public_id) in text_of(client.get("/dashboard/"))
