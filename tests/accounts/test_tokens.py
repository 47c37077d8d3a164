"""Tokens: issued with a log-in, shown once, dead at once."""

import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import token_store
from accounts.models import AccessToken
from compliance.models import AuditRecord
from tests.conftest import token_of
from tests.factories import PASSWORD
from tests.one_time_codes import one_time_code

ME = "/api/v1/me/"
TOTP_SECRET = "JBSWY3DPEHPK3PXP"


def issue(client=None, **body):
    data = {"email": "ana@example.org", "password": PASSWORD, "name": "bot", "scopes": ["read"]} | body
    return (client or APIClient()).post("/token/issue", data, format="json")


def code_of(response):
    return response.json()["errors"][0]["code"]


def with_token(text):
    return APIClient().get(ME, HTTP_AUTHORIZATION=f"Bearer {text}")


def test_a_token_is_issued_for_email_and_password_and_opens_the_api(user):
    response = issue(scopes=["trade", "read", "read"], expires_in_days=3650)
    assert response.status_code == 201
    assert response["Cache-Control"] == "no-store"
    answer = response.json()
    assert answer["scopes"] == ["trade", "read"]
    assert answer["prefix"] == answer["token"][:10]
    assert with_token(answer["token"]).json()["email"] == "ana@example.org"


def test_the_last_six_characters_are_the_crc32_of_the_others_in_base_62(user):
    text = issue().json()["token"]
    number, digits = zlib.crc32(text[:-6].encode()), ""
    while number:
        number, digit = divmod(number, 62)
        digits = token_store.ALPHABET[digit] + digits
    assert len(text) == 42
    assert text[-6:] == digits.rjust(6, "0")


def test_only_a_digest_is_stored(user):
    text = issue().json()["token"]
    row = AccessToken.objects.values().get()
    assert text not in str(row)
    assert text[10:] not in str(row)


def test_a_typing_error_does_not_reach_the_database(user, django_assert_num_queries):
    text = issue().json()["token"]
    broken = text[:-1] + ("a" if text[-1] != "a" else "b")
    with django_assert_num_queries(0):
        assert token_store.find_by_text(broken) is None


@pytest.mark.parametrize(
    "body", [{"email": "nobody@example.org"}, {"password": "wrong"}, {"email": "not an address"}]
)
def test_a_wrong_address_and_a_wrong_password_are_answered_alike(user, body):
    response = issue(**body)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert code_of(response) == "invalid_credentials"
    assert not AccessToken.objects.exists()
    assert AuditRecord.objects.filter(action="token.failure", outcome="refused").count() == 1


@pytest.mark.parametrize(
    ("body", "code", "attr"),
    [
        ({"scopes": []}, "empty", "scopes"),
        ({"scopes": ["root"]}, "invalid_choice", "scopes.0"),
        ({"scopes": "read"}, "not_a_list", "scopes"),
        ({"name": ""}, "blank", "name"),
        ({"name": "x" * 101}, "max_length", "name"),
        ({"name": "a\u202eb"}, "invalid_characters", "name"),
        ({"expires_in_days": 0}, "min_value", "expires_in_days"),
        ({"expires_in_days": 3651}, "max_value", "expires_in_days"),
        ({"expires_in_days": "7"}, "invalid", "expires_in_days"),
        ({"expires_in_days": True}, "invalid", "expires_in_days"),
        ({"expires_in_days": 10**40}, "max_value", "expires_in_days"),
        ({"allowed_ips": ["everywhere"]}, "invalid", "allowed_ips.0"),
        ({"colour": "blue"}, "unknown_field", "colour"),
        ({"email": 5}, "invalid", "email"),
        ({"email": "a\x00b"}, "invalid_characters", "email"),
        ({"password": ["x"]}, "invalid", "password"),
    ],
)
def test_what_cannot_be_understood_is_refused_by_name(user, body, code, attr):
    response = issue(**body)
    assert response.status_code in {400, 401}
    error = response.json()["errors"][0]
    assert (error["code"], error["attr"]) == (code, attr)
    assert not AccessToken.objects.exists()


def test_a_body_without_credentials_is_401(db):
    response = APIClient().post("/token/issue", {"name": "bot", "scopes": ["read"]}, format="json")
    assert response.status_code == 401


def test_a_session_issues_with_csrf_and_without_password(user):
    browser = APIClient(enforce_csrf_checks=True)
    browser.force_login(user)
    body = {"name": "bot", "scopes": ["read"]}
    assert code_of(browser.post("/token/issue", body, format="json")) == "csrf_failed"
    browser.cookies["csrftoken"] = "a" * 32
    response = browser.post("/token/issue", body, format="json", HTTP_X_CSRFTOKEN="a" * 32)
    assert response.status_code == 201


def test_a_token_cannot_issue_tokens(api):
    response = issue(api)
    assert response.status_code == 403
    assert code_of(response) == "token_cannot_issue"


@pytest.fixture
def second_factor(user, settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    TOTP.activate(user, TOTP_SECRET)
    return one_time_code(TOTP_SECRET)


def test_with_a_second_factor_its_code_is_needed(user, second_factor):
    assert code_of(issue()) == "otp_required"
    assert code_of(issue(password="wrong")) == "invalid_credentials"
    wrong = str((int(second_factor) + 1) % 10**6).zfill(6)
    assert code_of(issue(otp=wrong)) == "invalid_credentials"
    assert issue(otp=second_factor).status_code == 201
    assert code_of(issue(otp=second_factor)) == "invalid_credentials"  # Once only.


def test_an_unconfirmed_address_gets_no_token(user):
    user.emailaddress_set.update(verified=False)
    assert code_of(issue()) == "email_not_verified"


def test_somebody_locked_out_gets_no_token(user):
    text = issue().json()["token"]
    user.is_active = False
    user.save()
    assert code_of(issue()) == "invalid_credentials"
    assert with_token(text).status_code == 401


def test_ten_failures_lock_this_address_but_not_another(user, settings):
    settings.THROTTLING = True
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "x"}
    }
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "10/5m/ip,10/5m/key"}
    for _ in range(10):
        assert issue(password="wrong").status_code == 401
    locked = issue()
    assert locked.status_code == 429
    assert int(locked["Retry-After"]) > 0
    assert issue(APIClient(REMOTE_ADDR="192.0.2.9")).status_code == 201


def test_a_revoked_token_is_dead_at_once_and_revoking_again_is_no_error(api, api_of, user):
    text = issue().json()["token"]
    for _ in range(2):
        assert api.post("/token/revoke", {"token": text}).status_code == 204
    assert with_token(text).status_code == 401
    assert AuditRecord.objects.filter(action="token.revoke").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_simultaneous_revocations_both_are_answered_and_one_is_recorded(user):
    text = token_of(user)
    others = [token_of(user) for _ in range(2)]
    barrier = threading.Barrier(2)

    def revoke(with_token):
        client = APIClient(HTTP_AUTHORIZATION=f"Bearer {with_token}", HTTP_X_NONCE="once")
        barrier.wait()
        status = client.post("/token/revoke", {"token": text}, format="json").status_code
        connection.close()
        return status

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(revoke, others)) == [204, 204]
    assert AuditRecord.objects.filter(action="token.revoke").count() == 1
    assert with_token(text).status_code == 401


def test_a_token_with_any_scope_revokes_by_id(user, api_of):
    answer = issue().json()
    assert api_of(user, "kyc").post("/token/revoke", {"id": answer["id"]}).status_code == 204
    assert with_token(answer["token"]).status_code == 401


def test_a_strangers_token_stays_alive_and_the_answer_does_not_tell(api_of, stranger, user):
    answer = issue().json()
    client = api_of(stranger)
    for body in ({"id": answer["id"]}, {"token": answer["token"]}, {"id": "nonsense"}, {"token": "x"}):
        assert client.post("/token/revoke", body).status_code == 204
    assert with_token(answer["token"]).status_code == 200


@pytest.mark.parametrize("body", [{}, {"id": "a", "token": "b"}])
def test_revoking_takes_exactly_one_of_token_and_id(api, body):
    response = api.post("/token/revoke", body)
    assert (response.status_code, code_of(response)) == (400, "token_or_id_required")


def test_an_expired_token_is_unknown(user):
    answer = issue(expires_in_days=1).json()
    AccessToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert with_token(answer["token"]).status_code == 401


def test_a_token_works_only_from_its_networks(user):
    text = issue(allowed_ips=["192.0.2.0/24"]).json()["token"]
    refused = APIClient().get(ME, HTTP_AUTHORIZATION=f"Bearer {text}", REMOTE_ADDR="198.51.100.1")
    assert (refused.status_code, code_of(refused)) == (403, "address_not_allowed")
    allowed = APIClient().get(ME, HTTP_AUTHORIZATION=f"Bearer {text}", REMOTE_ADDR="192.0.2.7")
    assert allowed.status_code == 200


def test_a_forwarded_address_counts_only_from_a_trusted_proxy(user, settings):
    text = issue(allowed_ips=["192.0.2.7"]).json()["token"]

    def status(forwarded_for):
        client = APIClient(HTTP_AUTHORIZATION=f"Bearer {text}", HTTP_X_FORWARDED_FOR=forwarded_for)
        return client.get(ME).status_code

    assert status("192.0.2.7") == 403
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    assert status("192.0.2.7") == 200
    assert status("192.0.2.7, 203.0.113.5") == 403
    assert status("nonsense") == 403


@pytest.mark.parametrize("header", ["Basic YTpi", "Token x", "Bearer", "Bearer ctp_x", "Bearer é", "x"])
def test_other_schemes_never_work_even_beside_a_session(user, header):
    browser = APIClient()
    browser.force_login(user)
    response = browser.get(ME, HTTP_AUTHORIZATION=header)
    assert response.status_code == 401
    assert AuditRecord.objects.filter(action="token.failure").count() == 1


def test_tokens_in_addresses_and_cookies_never_work(user):
    text = issue().json()["token"]
    client = APIClient()
    client.cookies["token"] = client.cookies["Authorization"] = text
    assert client.get(ME, {"token": text, "access_token": text}).status_code == 401


def test_the_use_of_a_token_is_noted_twice_a_minute_and_not_with_each_request(user):
    text = issue().json()["token"]

    def writes(requests: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert {with_token(text).status_code for _ in range(requests)} == {200}
        return sum('UPDATE "accounts_accesstoken"' in query["sql"] for query in queries)

    assert writes(3) == 1
    # Told at most a minute late, as the contract has it.
    AccessToken.objects.update(last_used_at=timezone.now() - timedelta(seconds=31))
    assert writes(3) == 1
    assert AccessToken.objects.filter(last_used_at__gt=timezone.now() - timedelta(seconds=30)).exists()


def test_the_list_shows_ones_own_tokens_without_their_text(user, api_of, stranger):
    api_of(stranger)
    text = issue().json()["token"]
    with_token(text)
    rows = APIClient().get("/api/v1/tokens/", HTTP_AUTHORIZATION=f"Bearer {text}").json()["results"]
    assert [row["name"] for row in rows] == ["bot"]
    told = "id prefix name scopes allowed_ips created_at last_used_at expires_at revoked_at"
    assert set(rows[0]) == set(told.split())
    assert rows[0]["last_used_at"].endswith("Z")
    assert text not in str(rows)
