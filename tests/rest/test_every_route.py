"""What must hold for every route of the API, found from the address table, so that none is forgotten."""

import re
import uuid

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from rest.views import ApiView, UnknownPathView

WITHOUT_TOKEN = {"/token/issue"}


def _walk(resolver, prefix="/"):
    for entry in resolver.url_patterns:
        address = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _walk(entry, address)
        elif isinstance(entry, URLPattern):
            yield address, entry.callback


def api_routes():
    """(address, view class) of all routes below /api/v1/ and /token/."""
    for address, callback in _walk(get_resolver()):
        view = getattr(callback, "view_class", getattr(callback, "cls", None))
        if address.startswith(("/api/v1/", "/token/")) and view is not UnknownPathView:
            yield address, view


def with_id(address, public_id):
    return re.sub(r"<[^>]+>", str(public_id), address)


NOBODY = uuid.UUID(int=7)
ROUTES = [(with_id(address, NOBODY), view) for address, view in api_routes()]
ADDRESSES = [address for address, _ in ROUTES]


@pytest.mark.parametrize(("address", "view"), ROUTES, ids=ADDRESSES)
def test_a_route_says_which_scope_writing_needs(address, view):
    assert issubclass(view, ApiView)
    assert view.write_scope in {None, "trade", "wallets", "strategies", "kyc"}


@pytest.mark.parametrize(("address", "view"), ROUTES, ids=ADDRESSES)
def test_strangers_change_nothing_and_read_only_what_is_public(db, address, view):
    client = APIClient()
    for method in ("post", "put", "patch", "delete"):
        response = getattr(client, method)(address, {}, format="json")
        allowed = {401, 405} if address in WITHOUT_TOKEN else {401}
        assert response.status_code in allowed, method
    response = client.get(address)
    assert response.status_code in ({200, 404, 405} if view.public_reads else {401, 405})


ODD_BODIES = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b'"x"',
    b"1",
    b"true",
    b"{",
    b"\xff",
    b'{"a": {"b": []}}',
    b"[" * 5000,
]


@pytest.mark.parametrize(("address", "view"), ROUTES, ids=ADDRESSES)
def test_no_body_and_no_method_makes_the_server_fail(api, address, view):
    for method in ("OPTIONS", "TRACE", "REPORT"):
        assert api.generic(method, address).status_code < 500, method
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        # Where a view has no such method nobody reads the body.
        for body in ODD_BODIES if hasattr(view, method.lower()) else ODD_BODIES[:1]:
            response = api.generic(method, address, body, content_type="application/json")
            assert response.status_code < 500, (method, body)


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_query_makes_the_server_fail(api, address):
    for query in (
        "?a=%00",
        "?cursor=x",
        "?page=x",
        "?page_size=x",
        "?from=0000",
        "?symbol=%ff&symbol=b",
        "?a[]=1",
    ):
        response = api.get(address + query)
        assert response.status_code < 500, query
