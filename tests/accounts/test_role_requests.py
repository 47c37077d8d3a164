"""Two people give a role."""

import pytest
from django.contrib import admin
from django.db import IntegrityError
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts.models import RoleRequest, User
from accounts.roles import Role
from accounts.services import create_user
from compliance.models import AuditRecord
from tests.factories import PASSWORD

ROLES_ARE_IN = {"groups", "user_permissions", "is_staff", "is_superuser"}
LIST = "/admin/accounts/rolerequest/"


@pytest.fixture
def bosses(db):
    return [create_user(email=f"{n}@example.org", password=PASSWORD, role=Role.ADMIN) for n in ("one", "two")]


def staff(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def ask(by: User, about: User, act: str = "give", role: str = "auditor") -> RoleRequest:
    body = {"user": about.pk, "act": act, "role": role, "reason": "joins the team"}
    assert staff(by).post(f"{LIST}add/", body).status_code == 302
    return RoleRequest.objects.latest("pk")


def act(by: User, wanted: RoleRequest, action: str = "approve") -> None:
    staff(by).post(LIST, {"action": action, "_selected_action": [wanted.pk]})


def test_another_administrator_approves_and_it_is_on_record(bosses, user):
    first, second = bosses
    wanted = ask(first, user)
    user.refresh_from_db()
    assert (user.roles, user.is_staff) == (["trader"], False)
    act(second, wanted)
    user.refresh_from_db()
    assert (user.roles, user.is_staff) == (["auditor", "trader"], True)
    record = AuditRecord.objects.filter(action="role.change", object=str(user.public_id)).latest("pk")
    assert (record.actor, record.detail) == (str(second.public_id), {"given": "auditor"})
    act(first, ask(second, user, act="take"))
    user.refresh_from_db()
    assert (user.roles, user.is_staff) == (["trader"], False)


def test_nobody_approves_what_they_asked_for_or_what_is_about_them(bosses, user):
    first, second = bosses
    own, about_second = ask(first, user), ask(first, second, role="compliance")
    act(first, own)
    act(second, about_second)
    assert (user.roles, second.roles) == (["trader"], ["admin"])
    assert AuditRecord.objects.filter(action="role.change", outcome="refused").count() == 2


def test_what_was_refused_is_not_approved_later(bosses, user):
    first, second = bosses
    wanted = ask(first, user)
    act(second, wanted, "refuse")
    act(second, wanted)
    assert user.roles == ["trader"]


def test_the_database_itself_refuses_ones_own_approval(bosses, user):
    wanted = ask(bosses[0], user)
    with pytest.raises(IntegrityError, match="nobody_approves_their_own_role"):
        RoleRequest.objects.filter(pk=wanted.pk).update(
            decided_by=bosses[0], decided_at=timezone.now(), is_approved=True
        )


def test_the_form_of_a_person_gives_nothing(bosses, user):
    body = {"is_active": "on", "groups": ["1", "2", "3", "4"], "is_staff": "on", "is_superuser": "on"}
    staff(bosses[0]).post(f"/admin/accounts/user/{user.pk}/change/", body)
    user.refresh_from_db()
    assert (user.roles, user.is_staff, user.is_superuser) == (["trader"], False, False)


def test_no_form_of_the_admin_leads_even_a_superuser_past_the_second_person(bosses, user):
    User.objects.filter(pk=bosses[0].pk).update(is_superuser=True)
    superuser, request = staff(bosses[0]), RequestFactory().get("/admin/")
    request.user = User.objects.get(pk=bosses[0].pk)
    for model, table in admin.site._registry.items():
        for obj in (None, model._default_manager.first()):
            fields = set(table.get_form(request, obj, change=obj is not None).base_fields)
            assert not fields & ROLES_ARE_IN, model
    body = {
        "is_active": "on",
        "groups": ["1"],
        "user_permissions": ["1"],
        "is_staff": "on",
        "is_superuser": "on",
    }
    assert superuser.post(f"/admin/accounts/user/{user.pk}/change/", body).status_code == 302
    user.refresh_from_db()
    assert (user.roles, user.is_staff, user.is_superuser) == (["trader"], False, False)
    assert not user.user_permissions.exists()
    for closed in ("auth/group", "auth/permission", "account/emailaddress", "mfa/authenticator"):
        assert superuser.get(f"/admin/{closed}/").status_code == 404
        assert superuser.post(f"/admin/{closed}/add/", {"name": "helpers"}).status_code == 404
    own = ask(request.user, user)
    act(request.user, own)
    assert user.roles == ["trader"]
