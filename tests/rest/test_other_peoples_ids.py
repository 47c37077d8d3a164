"""What belongs to somebody else does not exist: every route with a parameter, from the address table."""

import re

import pytest
from django.test import Client
from django.urls import get_resolver

from tests.factories import PASSWORD
from tests.rest.belongings import Belongings
from tests.rest.test_every_route import _walk, api_routes

PARAMETER = re.compile(r"([\w-]+)/(<(?:\w+:)?\w+>)")
METHODS = ("get", "post", "put", "patch", "delete")
# The parameter is itself the right to open it, or names a page that is everybody's.
NOT_BY_OWNER = {
    "/hooks/<path:secret>",
    "/legal/<str:document>/",
    "/legal/<str:document>/<str:version>/",
    "/notifications/unsubscribe/<str:token>/",
    r"/accounts/^confirm-email/(?P<key>[-:\w]+)/$",
    r"/accounts/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
}
ROUTES = sorted(
    {
        address
        for address, _ in _walk(get_resolver())
        if ("<" in address or "(?P" in address) and not address.startswith("/admin/")
    }
    - NOT_BY_OWNER
)
STAFF_ROUTES = sorted(
    address for address, _ in _walk(get_resolver()) if address.startswith("/admin/") and "<" in address
)


@pytest.fixture(autouse=True)
def private_folder(settings, tmp_path):
    folder = {"BACKEND": "accounts.kyc.folder.PrivateFolder", "OPTIONS": {"location": tmp_path / "private"}}
    settings.STORAGES = {**settings.STORAGES, "kyc": folder, "exports": folder}


@pytest.fixture
def theirs(user):
    return Belongings(user)


def filled(route, belongings):
    """A word before a parameter that nobody knows fails here: name what it owns in `Belongings`."""

    def value(match):
        word, parameter = match.groups()
        known = belongings.slug if parameter.startswith("<slug") else belongings.ids[word]
        return f"{word}/{known}"

    address = PARAMETER.sub(value, route)
    assert "<" not in address, f"{route}: which of the parameters is whose?"
    return address


def browser_of(person):
    """Who has just said the password again."""
    client = Client()
    client.force_login(person)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def client_for(route, person, api_of):
    return api_of(person) if route.startswith("/api/") else browser_of(person)


class Clients:
    """One person's program and browser, for many routes."""

    def __init__(self, person, api_of):
        self.program, self.browser = api_of(person), browser_of(person)

    def at(self, route):
        return self.program if route.startswith("/api/") else self.browser


def test_what_belongs_to_somebody_else_does_not_exist_and_stays_as_it_is(theirs, stranger, api_of):
    clients, before, wrong = Clients(stranger, api_of), theirs.as_they_are(), {}
    for route in ROUTES:
        client, address = clients.at(route), filled(route, theirs)
        answers = {method: getattr(client, method)(address).status_code for method in METHODS}
        if not {404} <= set(answers.values()) <= {404, 405} or theirs.as_they_are() != before:
            wrong[route] = answers
    assert wrong == {}


@pytest.mark.parametrize("route", ROUTES)
def test_to_its_owner_it_exists(route, theirs, user, api_of):
    """Else the test above would say nothing."""
    client = client_for(route, user, api_of)
    address, act = filled(route, theirs), {"act": "paid"}
    answers = {m: getattr(client, m)(address).status_code for m in ("get", "put", "patch", "delete")}
    answers |= {"post": client.post(address, act).status_code}
    assert set(answers.values()) - {404, 405}, answers


NESTED = [route for route in ROUTES if len(PARAMETER.findall(route)) > 1]


def test_it_does_not_exist_below_ones_own_either(theirs, stranger, api_of):
    mine = Belongings(stranger)
    mine.ids = theirs.ids | {"strategies": mine.ids["strategies"]}
    clients, before, wrong = Clients(stranger, api_of), theirs.as_they_are(), {}
    for route in NESTED:
        client, address = clients.at(route), filled(route, mine)
        answers = {method: getattr(client, method)(address).status_code for method in METHODS}
        if not set(answers.values()) <= {404, 405} or theirs.as_they_are() != before:
            wrong[route] = answers
    assert wrong == {}


def test_no_page_of_staff_opens_to_a_trader(stranger):
    client, opened = browser_of(stranger), {}
    for route in STAFF_ROUTES:
        for method in ("get", "post"):
            answer = getattr(client, method)(re.sub(r"<[^>]+>", "1", route))
            is_sent_away = answer.status_code == 302 and "/login/" in answer["Location"]
            if not is_sent_away and answer.status_code not in {403, 404}:
                opened[route, method] = answer.status_code
    assert opened == {}


EXTRAS = {
    "user": "1",
    "owner": "1",
    "follower": "1",
    "is_staff": True,
    "is_superuser": True,
    "kyc_status": "approved",
    "roles": ["admin"],
    "equity": "1",
    "cash": "1",
    "pnl": "1",
    "public_id": "1",
    "created_at": "2026-01-01T00:00:00Z",
}
WRITING = [
    (address, method)
    for address, view in api_routes()
    for method in ("post", "put", "patch")
    if hasattr(view, method)
]


def test_no_body_sets_what_is_not_its_to_set(theirs, user, api_of):
    def facts():
        return [*theirs.as_they_are(), type(user).objects.filter(pk=user.pk).values().get()]

    clients, before, wrong = Clients(user, api_of), facts(), {}
    for route, method in WRITING:
        client = clients.browser if route == "/token/issue" else clients.program
        kind = {"content_type": "application/json"} if route == "/token/issue" else {"format": "json"}
        if route == "/api/v1/kyc/documents/":
            kind = {"format": "multipart"}
        answer = getattr(client, method)(filled(route, theirs), EXTRAS, **kind)
        errors = answer.json().get("errors", ())
        refused = {error["attr"] for error in errors if error["code"] == "unknown_field"}
        if answer.status_code != 400 or not refused >= EXTRAS.keys() or facts() != before:
            wrong[method, route] = answer.content
    assert wrong == {}
