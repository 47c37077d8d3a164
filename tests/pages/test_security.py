from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import token_store
from accounts.models import AccessToken
from compliance import audit
from compliance.audit import SYSTEM, Origin
from compliance.models import SECURITY, Action, AuditRecord, Outcome
from copytrade.pages.security import WORDS
from tests.conftest import token_of
from tests.factories import PASSWORD
from tests.pages.market import text_of

HERE = "/settings/security/"
ROLE_AT_SIGN_UP = "Role changed"
ELSEWHERE = Origin(ip="203.0.113.9", user_agent="Somebody")


@pytest.mark.parametrize("address", ["/accounts/signup/", "/accounts/password/reset/"])
def test_what_is_asked_for_is_said_once(client, address):
    main = text_of(client.get(address)).partition("<main")[2]
    assert "E-mail</label>" in main
    assert "placeholder" not in main


def test_a_new_password_is_asked_for_in_our_words(page):
    shown = text_of(page.get("/accounts/password/change/"))
    assert all(
        f"{label}</label>" in shown for label in ("Current password", "New password", "New password (again)")
    )


def test_without_a_second_factor_one_is_led_to_it(page):
    assert "Your password alone opens this account" in text_of(page.get(HERE))


def test_ones_own_events_and_what_was_tried_in_ones_name_are_told(client, user, stranger):
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    me, other = str(user.public_id), str(stranger.public_id)
    audit.record(Action.LOGIN_FAILURE, origin=ELSEWHERE, object=me, outcome=Outcome.REFUSED)
    audit.record(Action.TOKEN_ISSUE, origin=Origin(actor=other), object="token")
    audit.record(Action.TOKEN_USE, origin=Origin(actor=me))
    events = client.get(HERE).context["events"]
    assert [str(event.words) for event in events] == ["Log-in failed", "Logged in", ROLE_AT_SIGN_UP]
    assert [event.is_refused for event in events] == [True, False, False]


def test_what_happens_to_ones_log_in_is_told(client, user):
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    mine = Origin(actor=str(user.public_id), ip="203.0.113.9")
    device = Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={})
    device.delete()
    audit.record(Action.SECOND_FACTOR_REMOVE, origin=mine, object=mine.actor)
    new = {"oldpassword": PASSWORD, "password1": f"{PASSWORD}-2", "password2": f"{PASSWORD}-2"}
    client.post("/accounts/password/change/", new)
    client.post("/accounts/logout/")
    user.refresh_from_db()
    client.force_login(user)
    words = [str(event.words) for event in client.get(HERE).context["events"]]
    assert words == [
        "Session ended",
        "New password",
        "Second factor removed",
        "Second factor added",
        "Logged in",
        ROLE_AT_SIGN_UP,
    ]


def test_what_staff_did_to_ones_roles_tokens_and_sessions_is_told_without_who_and_from_where(
    page, user, stranger
):
    token_of(user)
    token = AccessToken.objects.get(user=user)
    staff = Origin(actor=str(stranger.public_id), ip="198.51.100.1", user_agent="Office")
    audit.record(Action.ROLE_CHANGE, origin=staff, object=str(user.public_id))
    token_store.revoke_token(user=user, token=token, origin=staff, now=timezone.now())
    audit.record(Action.SESSION_END, origin=SYSTEM, object=str(user.public_id))
    audit.record(Action.KYC_VIEW, origin=staff, object=str(user.public_id))
    answer = page.get(HERE)
    events = answer.context["events"]
    words = ["Session ended", "API token revoked", "Role changed", "API token made", ROLE_AT_SIGN_UP]
    assert [str(event.words) for event in events] == words
    assert text_of(answer).count("by the platform or its staff") == len(words)
    assert "198.51.100.1" not in text_of(answer) and "Office" not in text_of(answer)


def test_what_is_tried_over_and_over_is_told_as_one(page, user):
    for _ in range(30):
        audit.record(
            Action.LOGIN_FAILURE, origin=ELSEWHERE, object=str(user.public_id), outcome=Outcome.REFUSED
        )
    audit.record(Action.EXPORT, origin=Origin(actor=str(user.public_id)))
    assert [event.times for event in page.get(HERE).context["events"]] == [1, 30, 1]
    assert "30 times" in text_of(page.get(HERE))


def test_each_security_event_has_words():
    assert set(WORDS) == set(SECURITY)


def test_the_events_are_read_by_indexes_of_their_own(db, user):
    others = ({"actor": f"somebody-{number}", "object": f"token-{number}"} for number in range(3000))
    AuditRecord.objects.bulk_create(
        AuditRecord(action=Action.TOKEN_ISSUE, outcome=Outcome.SUCCESS, at=timezone.now(), **other)
        for other in others
    )
    with connection.cursor() as cursor:
        # With few rows either index alone would do.
        cursor.execute("ANALYZE compliance_auditrecord")
        cursor.execute("SET LOCAL enable_seqscan = off")
        plan = AuditRecord.objects.security_events(str(user.public_id), tokens=["a-token"]).explain()
    assert "security_events_by_a_person" in plan and "security_events_about_a_person" in plan


@pytest.mark.parametrize(("days", "shown"), [(29, 2), (31, 1)])
def test_what_is_older_than_a_month_is_not_told(days, shown, page, user):
    AuditRecord.objects.create(
        action=Action.EXPORT,
        actor=str(user.public_id),
        outcome=Outcome.SUCCESS,
        at=timezone.now() - timedelta(days=days),
    )
    assert len(page.get(HERE).context["events"]) == shown


def test_sessions_are_listed_and_the_present_one_is_named(client, user):
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    answer = client.get(HERE)
    assert len(answer.context["sessions"]) == 1
    assert '<span class="sign">here</span>' in text_of(answer)


def test_where_a_session_was_seen_last_is_written_once_a_minute_and_at_once_when_it_moved(page, user):
    def written(**place) -> bool:
        with CaptureQueriesContext(connection) as queries:
            page.get(HERE, **place)
        return any('UPDATE "usersessions_usersession"' in query["sql"] for query in queries)

    page.get(HERE)
    assert not written()
    assert [written(REMOTE_ADDR="203.0.113.9"), written(REMOTE_ADDR="203.0.113.9")] == [True, False]
    assert written(HTTP_USER_AGENT="Another/1")
    assert UserSession.objects.get(user=user).user_agent == "Another/1"


def test_time_zone_and_currency_are_saved(page, user):
    page.post("/settings/preferences/", {"time_zone": "Asia/Tokyo", "report_currency": "EUR"})
    user.refresh_from_db()
    assert (user.time_zone, user.report_currency) == ("Asia/Tokyo", "EUR")


@pytest.mark.parametrize(("field", "value"), [("time_zone", "Mars/Base"), ("report_currency", "GOLD")])
def test_what_is_no_time_zone_or_currency_is_told(field, value, page, user):
    answers = {"time_zone": "UTC", "report_currency": "EUR", field: value}
    answer = page.post("/settings/preferences/", answers)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
