"""Two administrators take a lost second factor away, and everything that was opened with it."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone

from accounts.models import FactorReset, Notification, User
from accounts.roles import Role
from accounts.services import create_user
from compliance.models import AuditRecord
from tests.conftest import TokenClient, token_of
from tests.factories import PASSWORD

LIST = "/admin/accounts/factorreset/"


@pytest.fixture
def bosses(db):
    return [create_user(email=f"{n}@example.org", password=PASSWORD, role=Role.ADMIN) for n in ("one", "two")]


@pytest.fixture
def locked_out(user):
    TOTP.activate(user, "JBSWY3DPEHPK3PXP")
    RecoveryCodes.activate(user)
    return user


def staff(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def ask(by: User, about: User) -> FactorReset:
    body = {"user": about.pk, "reason": "lost the phone, we called back"}
    assert staff(by).post(f"{LIST}add/", body).status_code == 302
    return FactorReset.objects.latest("pk")


def act(by: User, wanted: FactorReset, action: str = "approve") -> None:
    staff(by).post(LIST, {"action": action, "_selected_action": [wanted.pk]})


def can_log_in_with_the_password_alone(user: User) -> bool:
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    return client.get("/api/v1/me/").status_code == 200


def test_when_another_administrator_approves_the_password_opens_the_account_again(bosses, locked_out):
    first, second = bosses
    wanted = ask(first, locked_out)
    assert not can_log_in_with_the_password_alone(locked_out)
    act(second, wanted)
    assert not Authenticator.objects.filter(user=locked_out).exists()
    assert can_log_in_with_the_password_alone(locked_out)


def test_a_reset_ends_sessions_and_tokens_and_is_told_and_recorded(bosses, locked_out, mailoutbox):
    first, second = bosses
    session, program = Client(), TokenClient(token_of(locked_out))
    session.force_login(locked_out)
    assert [session.get("/api/v1/me/").status_code, program.get("/api/v1/me/").status_code] == [200, 200]
    act(second, ask(first, locked_out))
    assert [session.get("/api/v1/me/").status_code, program.get("/api/v1/me/").status_code] == [401, 401]
    told = Notification.objects.get(user=locked_out, kind="factor_reset")
    assert (told.mail, told.link) == ("due", "/accounts/2fa/")
    record = AuditRecord.objects.get(action="second_factor.reset")
    assert (record.actor, record.object) == (str(second.public_id), str(locked_out.public_id))
    assert record.detail == {"removed": ["recovery_codes", "totp"]}
    asked = AuditRecord.objects.get(action="admin.change", object__startswith="accounts.factorreset ")
    assert asked.actor == str(first.public_id)


def test_nobody_approves_what_they_asked_for_or_what_is_about_them(bosses, locked_out):
    first, second = bosses
    TOTP.activate(second, "JBSWY3DPEHPK3PXP")
    act(first, ask(first, locked_out))
    act(second, ask(first, second))
    assert Authenticator.objects.count() == 3
    refused = AuditRecord.objects.filter(action="second_factor.reset", outcome="refused")
    assert list(refused.order_by("pk").values_list("actor", flat=True)) == [str(b.public_id) for b in bosses]


def test_what_was_refused_is_not_approved_later(bosses, locked_out):
    wanted = ask(bosses[0], locked_out)
    act(bosses[1], wanted, "refuse")
    act(bosses[1], wanted)
    assert Authenticator.objects.filter(user=locked_out).count() == 2


def test_the_database_itself_refuses_ones_own_approval(bosses, locked_out):
    wanted = ask(bosses[0], locked_out)
    with pytest.raises(IntegrityError, match="nobody_approves_their_own_factor_reset"):
        FactorReset.objects.filter(pk=wanted.pk).update(
            decided_by=bosses[0], decided_at=timezone.now(), is_approved=True
        )


def test_of_a_person_without_a_second_factor_nothing_is_reset(bosses, user):
    answer = staff(bosses[0]).post(f"{LIST}add/", {"user": user.pk, "reason": "x"})
    assert b"This person has no second factor." in answer.content
    assert not FactorReset.objects.exists()


@pytest.mark.parametrize("role", [Role.TRADER, Role.COMPLIANCE, Role.AUDITOR])
def test_only_administrators_ask_for_it_or_decide(bosses, locked_out, role):
    wanted = ask(bosses[0], locked_out)
    other = create_user(email="x@example.org", password=PASSWORD, role=role)
    act(other, wanted)
    staff(other).post(f"{LIST}add/", {"user": locked_out.pk, "reason": "x"})
    assert staff(other).get(f"/admin/accounts/user/{locked_out.pk}/reset-second-factor").status_code != 200
    assert Authenticator.objects.filter(user=locked_out).count() == 2
    assert FactorReset.objects.count() == 1


def test_the_page_of_a_person_leads_administrators_to_it(bosses, locked_out):
    client = staff(bosses[0])
    page = client.get(f"/admin/accounts/user/{locked_out.pk}/change/").content.decode()
    assert "Reset second factor" in page
    form = client.get(f"/admin/accounts/user/{locked_out.pk}/reset-second-factor", follow=True)
    assert form.redirect_chain[-1][0] == f"{LIST}add/?user={locked_out.pk}"
    assert f'value="{locked_out.pk}" selected' in form.content.decode()
