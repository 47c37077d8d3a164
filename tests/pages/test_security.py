from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from compliance import audit
from compliance.audit import Origin
from compliance.models import Action, AuditRecord, Outcome
from tests.factories import PASSWORD
from tests.pages.market import text_of

HERE = "/settings/security/"
ELSEWHERE = Origin(ip="203.0.113.9", user_agent="Somebody")


def test_without_a_second_factor_one_is_led_to_it(page):
    assert "Your password alone opens this account" in text_of(page.get(HERE))


def test_ones_own_events_and_what_was_tried_in_ones_name_are_told(client, user, stranger):
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    me, other = str(user.public_id), str(stranger.public_id)
    audit.record(Action.LOGIN_FAILURE, origin=ELSEWHERE, object=me, outcome=Outcome.REFUSED)
    audit.record(Action.TOKEN_ISSUE, origin=Origin(actor=other), object="token")
    audit.record(Action.TOKEN_USE, origin=Origin(actor=me))
    events = client.get(HERE).context["events"]
    assert [str(event.words) for event in events] == ["Log-in failed", "Logged in"]
    assert [event.is_refused for event in events] == [True, False]


@pytest.mark.parametrize(("days", "shown"), [(29, 1), (31, 0)])
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
