"""A code may come a step early or late, and passes once, for as long as it would be good."""

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from tests.factories import PASSWORD
from tests.one_time_codes import SECONDS_OF_A_CODE, code_at

SECRET = "JBSWY3DPEHPK3PXP"
START = 1_900_000_020.0  # The first second of a step.


@pytest.fixture
def at(user, settings, monkeypatch):
    """`at(seconds)`: so long after the start it is now, for codes and for the cache."""
    # The cache in this process reads the same clock; that of Redis cannot be moved.
    where = f"codes-{user.pk}"
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": where}
    }
    TOTP.activate(user, SECRET)

    def move(seconds):
        monkeypatch.setattr(time, "time", lambda: START + seconds)

    return move


def by_page(code):
    client = Client()
    client.post("/accounts/login/", {"login": "ana@example.org", "password": PASSWORD})
    client.post("/accounts/2fa/authenticate/", {"code": code})
    return client.get("/api/v1/me/").status_code == 200


def by_token(code):
    body = {"email": "ana@example.org", "password": PASSWORD, "name": "bot", "scopes": ["read"], "otp": code}
    return APIClient().post("/token/issue", body, format="json").status_code == 201


def by_reauthentication(code):
    client = Client()
    client.force_login(User.objects.get(email="ana@example.org"))
    answer = client.post("/accounts/2fa/reauthenticate/", {"code": code})
    return answer.status_code == 302


WAYS = [by_page, by_token, by_reauthentication]


@pytest.mark.parametrize("way", WAYS)
def test_a_code_of_the_step_before_or_after_is_taken_and_none_from_further_away(at, way):
    at(0)
    taken = {steps: way(code_at(SECRET, START + steps * SECONDS_OF_A_CODE)) for steps in (-2, -1, 0, 1, 2)}
    assert taken == {-2: False, -1: True, 0: True, 1: True, 2: False}


@pytest.mark.parametrize("way", WAYS)
def test_a_used_code_is_refused_for_as_long_as_it_would_be_good(at, way):
    code = code_at(SECRET, START + SECONDS_OF_A_CODE)
    at(0)
    assert way(code)
    for seconds in (0, 29, 31, 61, 89):
        at(seconds)
        assert not any(other(code) for other in WAYS), seconds
    assert way(code_at(SECRET, START + 90))


def test_the_code_that_sets_the_app_up_is_used_up_with_it(at, user):
    at(0)
    Authenticator.objects.filter(user=user).delete()
    page = Client()
    page.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    page.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page.get("/accounts/2fa/totp/activate/")
    code = code_at(page.session["mfa.totp.secret"], START + SECONDS_OF_A_CODE)
    page.post("/accounts/2fa/totp/activate/", {"code": code})
    assert Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists()
    for seconds in (0, 31, 89):
        at(seconds)
        assert not any(way(code) for way in WAYS), seconds
