"""The form of answers and refusals that every route shares."""

import json

import pytest
from rest_framework.test import APIClient

ME = "/api/v1/me/"


def codes_of(response):
    return [(error["code"], error["attr"]) for error in response.json()["errors"]]


def send(api, body: bytes, content_type="application/json"):
    return api.generic("PATCH", ME, body, content_type=content_type)


@pytest.mark.parametrize("address", ["/api/v1/nothing/here", "/api/v1/orders/%0A/", "/token/%0D%0A"])
def test_an_unknown_address_is_told_in_json(db, address):
    response = APIClient().get(address)
    assert response.status_code == 404
    assert response.json() == {
        "type": "client_error",
        "errors": [
            {
                "code": "not_found",
                "detail": "There is nothing at this address, or it is not yours.",
                "attr": None,
            }
        ],
    }


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_no_header_and_no_field_turns_one_method_into_another(name, user, api):
    change = {"time_zone": "Europe/Madrid", "_method": "PATCH"}
    headers = {f"HTTP_{name.upper().replace('-', '_')}": "PATCH"}
    assert api.get(ME, change, **headers).status_code in (200, 400)
    assert api.post(ME, change, **headers).status_code == 405
    user.refresh_from_db()
    assert user.time_zone == "UTC"


def test_without_credentials_the_answer_asks_for_a_bearer_token(db):
    response = APIClient().get(ME)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert codes_of(response) == [("not_authenticated", None)]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"time_zone": "UTC", "time_zone": "UTC"}', "duplicate_key"),
        (b'{"time_zone": "\xff"}', "parse_error"),
        (b'{"time_zone": "\\ud800"}', "parse_error"),
        (b'{"time_zone": NaN}', "parse_error"),
        (b'{"time_zone": -Infinity}', "parse_error"),
        (b'{"time_zone": 1e400}', "parse_error"),
        (b"[" * 100_000, "parse_error"),
        (b"9" * 5000, "parse_error"),
        (b'{"time_zone"', "parse_error"),
        (b"[]", "invalid"),
        (b'"text"', "invalid"),
        (b'{"time_zone": null}', "null"),
        (b'{"time_zone": ["UTC"]}', "invalid"),
        (b'{"time_zone": "U\\u0000TC"}', "invalid_characters"),
        (b'{"email": "x@example.org"}', "unknown_field"),
    ],
)
def test_a_body_with_two_meanings_or_none_is_refused(api, body, code):
    response = send(api, body)
    assert response.status_code == 400
    assert [error["code"] for error in response.json()["errors"]] == [code]


def test_a_body_above_one_megabyte_is_413(api):
    response = send(api, json.dumps({"time_zone": "x" * 1_000_001}).encode())
    assert response.status_code == 413
    assert codes_of(response) == [("body_too_large", None)]


def test_a_body_that_is_not_json_is_415(api):
    assert send(api, b"time_zone=UTC", "application/x-www-form-urlencoded").status_code == 415


def test_unknown_fields_are_named_beside_the_other_errors(api):
    response = api.patch(ME, {"time_zone": "Mars/Base", "is_staff": True})
    assert sorted(codes_of(response)) == [("invalid", "time_zone"), ("unknown_field", "is_staff")]


@pytest.mark.parametrize("size", ["0", "201", "-1", "many", "1.5", "", "٣"])
def test_a_page_size_that_cannot_be_understood_is_400(api, size):
    response = api.get("/api/v1/tokens/", {"page_size": size})
    assert response.status_code == 400
    assert codes_of(response) == [("invalid", "page_size")]


@pytest.mark.parametrize(
    "cursor", ["x", "cD1ub3QtYS1udW1iZXI=", "cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk=", "%00"]
)
def test_a_forged_cursor_is_400(api, cursor):
    response = api.get("/api/v1/tokens/", {"cursor": cursor})
    assert response.status_code == 400
    assert codes_of(response) == [("invalid_cursor", "cursor")]


def test_an_unknown_filter_is_400(api):
    response = api.get("/api/v1/tokens/", {"colour": "blue"})
    assert codes_of(response) == [("unknown_field", "colour")]


def test_pages_neither_repeat_nor_miss_while_rows_are_added(api, api_of, user):
    for _ in range(4):
        api_of(user)
    first = api.get("/api/v1/tokens/", {"page_size": 2}).json()
    api_of(user)
    second = api.get(first["next"]).json()
    third = api.get(second["next"]).json()
    seen = [row["id"] for page in (first, second, third) for row in page["results"]]
    assert len(seen) == len(set(seen)) == 5
    assert third["next"] is None


def test_every_code_is_listed_with_its_meaning(db):
    rows = APIClient().get("/api/v1/codes/").json()
    assert {"nonce_reused", "invalid_credentials", "withdrawal_enabled", "required"} <= {
        row["code"] for row in rows
    }
    assert all(row["meaning"] for row in rows)
