"""Whether a request came by TLS is what trusted proxies say, and nobody else."""

import pytest
from django.test import Client
from gunicorn.app.wsgiapp import WSGIApplication  # type: ignore[import-untyped]

LOG_IN = "/accounts/login/"


@pytest.fixture(autouse=True)
def tls_only(settings):
    settings.SECURE_SSL_REDIRECT = True


@pytest.mark.parametrize(
    ("proxies", "peer", "status"),
    [
        ([], "127.0.0.1", 301),
        (["10.0.0.0/8"], "203.0.113.9", 301),
        (["10.0.0.0/8"], "127.0.0.1", 301),
        (["10.0.0.0/8"], "10.1.2.3", 200),
        (["10.0.0.0/8"], "", 200),  # A local socket.
    ],
)
def test_the_forwarded_scheme_counts_only_from_a_trusted_proxy(db, settings, proxies, peer, status):
    settings.TRUSTED_PROXIES = proxies
    answer = Client().get(LOG_IN, HTTP_X_FORWARDED_PROTO="https", REMOTE_ADDR=peer)
    assert answer.status_code == status


def test_a_trusted_proxy_that_says_http_is_led_to_tls(db, settings):
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    answer = Client().get(LOG_IN, HTTP_X_FORWARDED_PROTO="http", REMOTE_ADDR="10.1.2.3")
    assert answer["Location"] == f"https://testserver{LOG_IN}"


def test_gunicorn_believes_nobody_about_the_scheme(monkeypatch):
    monkeypatch.setattr("sys.argv", ["gunicorn", "copytrade.wsgi"])
    assert WSGIApplication().cfg.secure_scheme_headers == {}
