"""The order of checks, and what each leaves behind."""

import threading

import pytest
from django.db import connection, transaction
from rest_framework.test import APIClient

from compliance.models import AuditRecord
from tests.conftest import token_of

ME = "/api/v1/me/"


def code_of(response):
    return response.json()["errors"][0]["code"]


def spent():
    return AuditRecord.objects.filter(action="nonce.use").count()


def test_without_a_nonce_nothing_happens(user):
    client = APIClient()
    response = client.patch(
        ME, {"time_zone": "Europe/Madrid"}, format="json", HTTP_AUTHORIZATION=f"Bearer {token_of(user)}"
    )
    assert (response.status_code, code_of(response)) == (400, "nonce_required")
    user.refresh_from_db()
    assert user.time_zone == "UTC"
    assert AuditRecord.objects.filter(action="nonce.refused").count() == 1


@pytest.mark.parametrize("nonce", ["", "x" * 65, "a b", "é", "a\n", "٣"])
def test_a_malformed_nonce_is_refused(api, nonce):
    response = api.patch(ME, {}, HTTP_X_NONCE=nonce)
    assert (response.status_code, code_of(response)) == (400, "nonce_invalid")
    assert spent() == 0


def test_a_nonce_passes_once_per_token(api, api_of, user):
    assert api.patch(ME, {"time_zone": "Europe/Madrid"}, HTTP_X_NONCE="once").status_code == 200
    again = api.patch(ME, {"time_zone": "Europe/Paris"}, HTTP_X_NONCE="once")
    assert (again.status_code, code_of(again)) == (409, "nonce_reused")
    user.refresh_from_db()
    assert user.time_zone == "Europe/Madrid"
    assert api_of(user).patch(ME, {}, HTTP_X_NONCE="once").status_code == 200


def test_a_nonce_is_spent_even_by_a_body_that_fails(api):
    assert api.patch(ME, {"time_zone": "Mars"}, HTTP_X_NONCE="n").status_code == 400
    assert code_of(api.patch(ME, {"time_zone": "UTC"}, HTTP_X_NONCE="n")) == "nonce_reused"


def test_a_missing_scope_is_named_and_spends_no_nonce(user, api_of):
    response = api_of(user, "read").patch(ME, {})
    assert response.status_code == 403
    assert code_of(response) == "insufficient_scope"
    assert "`trade`" in response.json()["errors"][0]["detail"]
    assert spent() == 0


def test_reading_needs_the_scope_read(user, api_of):
    response = api_of(user, "trade").get(ME)
    assert (response.status_code, code_of(response)) == (403, "insufficient_scope")


def test_bad_credentials_come_before_everything(user):
    response = APIClient().patch(ME, b"{", content_type="application/json", HTTP_AUTHORIZATION="Bearer x")
    assert response.status_code == 401
    assert AuditRecord.objects.filter(action="nonce.refused").count() == 0


def test_a_session_needs_csrf_and_no_nonce(user):
    browser = APIClient(enforce_csrf_checks=True)
    browser.force_login(user)
    assert code_of(browser.patch(ME, {}, format="json")) == "csrf_failed"
    browser.cookies["csrftoken"] = "a" * 32
    assert browser.patch(ME, {}, format="json", HTTP_X_CSRFTOKEN="a" * 32).status_code == 200


@pytest.fixture
def three_requests_at_most(settings, monkeypatch):
    settings.THROTTLING = True
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "limits"}
    }
    monkeypatch.setattr("rest.throttles.PER_CALLER", 3)
    # Midnight of a minute must not fall into the test.
    monkeypatch.setattr("rest.throttles.time.time", lambda: 1_000_000.0)


def test_the_limit_comes_before_the_scope_and_says_when_to_come_back(user, api_of, three_requests_at_most):
    client = api_of(user, "read")
    statuses = [client.patch(ME, {}).status_code for _ in range(4)]
    assert statuses == [403, 403, 403, 429]
    assert int(client.patch(ME, {})["Retry-After"]) > 0


@pytest.mark.django_db(transaction=True)
def test_of_ten_requests_with_one_nonce_that_meet_before_any_has_written_exactly_one_passes(user):
    """Nobody may write until all ten are about to: looking first whether it is there does not help."""
    text, statuses = token_of(user), []

    def send():
        response = APIClient().patch(
            ME, {}, format="json", HTTP_AUTHORIZATION=f"Bearer {text}", HTTP_X_NONCE="race"
        )
        statuses.append(response.status_code)
        connection.close()

    waiting = (
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'compliance_auditrecord'::regclass"
    )
    threads = [threading.Thread(target=send) for _ in range(10)]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE compliance_auditrecord IN SHARE MODE")
        for thread in threads:
            thread.start()
        while cursor.execute(waiting).fetchone()[0] < len(threads):
            assert not statuses, "nobody has passed yet"
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [409] * 9
    assert spent() == 1
