"""What tests of several apps share."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable

import pytest
from django.conf import settings
from django.core.servers.basehttp import WSGIRequestHandler
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from rest_framework.test import APIClient

from accounts import second_factor, token_store
from accounts.models import AccessToken, User
from accounts.services import create_user
from compliance.audit import SYSTEM
from exchanges import limits
from tests import factories

# Tests that empty the cache must not do so under a test of another process; 5 and 6 are taken.
_PROCESS = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
settings.CACHES["default"]["LOCATION"] = f"{settings.REDIS_URL.rpartition('/')[0]}/{8 + int(_PROCESS) % 8}"

# How fast a machine is says nothing about the code.
hypothesis_settings.register_profile("any", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("any")

STAFF_PATHS = second_factor.STAFF_PATHS
LONGEST_NAME = 60


def pytest_make_parametrize_id(val: object) -> str | None:
    """Of 50 MiB a name of 200 MB would be made, which goes to every process of a run and into its report."""
    if isinstance(val, str | bytes) and len(val) > LONGEST_NAME:
        return f"{len(val)} long"
    return None


@pytest.fixture(autouse=True, scope="session")
def limits_of_one_process() -> None:
    """What one test makes a venue say about our address is not for the tests of another process."""
    limits.configure("")


@pytest.fixture(autouse=True, scope="session")
def answers_at_once():
    """The live server writes heads and bodies apart: each body would wait 40 ms for the head's receipt."""
    WSGIRequestHandler.disable_nagle_algorithm = True


@pytest.fixture(autouse=True)
def no_throttling(settings):
    """Tests ask fast. Those about limits set THROTTLING themselves."""
    settings.THROTTLING = False
    settings.ACCOUNT_RATE_LIMITS = False


@pytest.fixture(autouse=True)
def staff_without_second_factor(monkeypatch):
    """Tests of what staff do spare themselves the set-up. Those about it put STAFF_PATHS back."""
    monkeypatch.setattr(second_factor, "STAFF_PATHS", ())


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """Argon2 is slow on purpose."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def uncollected_static_files(settings):
    """Nothing has run collectstatic here."""
    settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = True
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}


@pytest.fixture
def user(db) -> User:
    """A person who can log in with factories.PASSWORD."""
    return create_user(email="ana@example.org", password=factories.PASSWORD, kyc_approved=True)


@pytest.fixture
def stranger(db) -> User:
    return create_user(email="bob@example.org", password=factories.PASSWORD, kyc_approved=True)


class TokenClient(APIClient):
    """A program with a token: sends the bearer header, and a fresh nonce with every change."""

    default_format = "json"
    nonces = itertools.count(1)

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def generic(self, method, path, *args, **extra):
        extra.setdefault("HTTP_AUTHORIZATION", f"Bearer {self.text}")
        if method not in {"GET", "HEAD", "OPTIONS"}:
            extra.setdefault("HTTP_X_NONCE", f"n{next(self.nonces)}")
        return super().generic(method, path, *args, **extra)


def token_of(user: User, *scopes: str) -> str:
    """The text of a new token; all scopes if none are named."""
    wanted = scopes or tuple(AccessToken.Scope.values)
    issued = token_store.issue_token(user=user, name="test", scopes=wanted, expires_at=None, origin=SYSTEM)
    return issued.text


@pytest.fixture
def api_of() -> Callable[..., TokenClient]:
    """`api_of(user, "read")`: a client with a token of these scopes (all if none are named)."""
    return lambda user, *scopes: TokenClient(token_of(user, *scopes))


@pytest.fixture
def api(user, api_of):
    """The user's client with every scope."""
    return api_of(user)


@pytest.fixture
def exchange_account(user):
    return factories.ExchangeAccountFactory(owner=user)


@pytest.fixture
def strategy(db):
    return factories.StrategyFactory()


@pytest.fixture
def subscription(user, strategy):
    return factories.SubscriptionFactory(follower=user, strategy=strategy)
