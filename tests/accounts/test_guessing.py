"""Guessing, with and without made-up addresses."""

from django.core.cache import cache
from django.test import Client

from tests.conftest import token_of
from tests.factories import PASSWORD


def test_made_up_forwarded_addresses_do_not_evade_the_limit_and_do_not_lock_the_owner_out(user, settings):
    cache.clear()
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "10/5m/ip,10/5m/key"}
    attempt = {"login": user.email, "password": "wrong"}
    for n in range(12):
        Client().post("/accounts/login/", attempt, HTTP_X_FORWARDED_FOR=f"203.0.113.{n}")
    right = {"login": user.email, "password": PASSWORD}
    guesser = Client().post("/accounts/login/", right, HTTP_X_FORWARDED_FOR="203.0.113.99")
    owner = Client().post("/accounts/login/", right, REMOTE_ADDR="198.51.100.7")
    assert (guesser.status_code == 302, owner.status_code) == (False, 302)


def test_who_tries_to_log_in_too_often_is_told_when_to_come_back(user, settings):
    cache.clear()
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "2/5m/ip,2/5m/key"}
    attempt = {"login": user.email, "password": "wrong"}
    answers = [Client().post("/accounts/login/", attempt) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1]["Retry-After"] == "300"


def test_guessed_tokens_are_limited_by_the_true_address_and_a_good_one_still_works(user, settings):
    cache.clear()
    settings.THROTTLING = True
    text = token_of(user)
    answers = [
        Client()
        .get(
            "/api/v1/me/",
            HTTP_AUTHORIZATION="Bearer ctp_" + "0" * 38,
            HTTP_X_FORWARDED_FOR=f"203.0.113.{n}",
        )
        .status_code
        for n in range(62)
    ]
    assert (answers[0], answers[-1]) == (401, 429)
    assert Client().get("/api/v1/me/", HTTP_AUTHORIZATION=f"Bearer {text}").status_code == 200
