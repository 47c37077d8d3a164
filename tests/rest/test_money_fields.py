"""Every money field of the API, found from its description, so that none is forgotten."""

from collections.abc import Iterator
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from compliance.audit import SYSTEM
from rest.fields import DECIMAL_PATTERN
from strategies import webhooks
from strategies.models import Signal, Strategy
from subscriptions.models import Subscription
from tests import factories
from wallets.models import ExchangeAccount

# A JSON number too: a float has lost already what it meant.
NO_NUMBERS = ["NaN", "sNaN", "-Infinity", "1e400", 0.1, 5]
OUT_OF_RANGE = {"9" * 19: "max_digits", "0.0000000000000000001": "max_decimal_places"}
ZERO_IS_FINE = {
    *("min_capital", "performance_fee_percent", "max_order_notional", "max_open_notional"),
    *("min_roi", "max_drawdown"),
}
NEGATIVE_IS_FINE = {"min_roi"}


def _money_in(schema: dict[str, Any], parts: dict[str, Any], path: str = "") -> Iterator[str]:
    """Where below the schema a decimal is to be written: `sizing.value`."""
    if "$ref" in schema:
        yield from _money_in(parts[schema["$ref"].rpartition("/")[2]], parts, path)
    for way in ("allOf", "oneOf", "anyOf"):
        for one in schema.get(way, []):
            yield from _money_in(one, parts, path)
    if schema.get("pattern") == DECIMAL_PATTERN:
        yield path
    for name, field in schema.get("properties", {}).items():
        yield from _money_in(field, parts, f"{path}.{name}".strip("."))


def money_fields() -> dict[tuple[str, str], set[str]]:
    """The fields of each (method, address); of a GET the filters."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    parts = schema["components"]["schemas"]
    found = {}
    for address, methods in schema["paths"].items():
        for method, operation in methods.items():
            fields = {
                parameter["name"]
                for parameter in operation.get("parameters", [])
                for _ in _money_in(parameter["schema"], parts)
            }
            for body in operation.get("requestBody", {}).get("content", {}).values():
                fields |= set(_money_in(body["schema"], parts))
            if fields:
                found[method, address] = fields
    return found


ROUTES = money_fields()


@pytest.fixture
def ids(user):
    """One's own in each address, so that nothing but the money is wrong."""
    strategy = factories.StrategyFactory.create(owner=user)
    copy = factories.SubscriptionFactory.create(follower=user)
    hook = webhooks.create_webhook(strategy=strategy, origin=SYSTEM, now=strategy.created_at)
    return {"strategy_id": strategy.public_id, "subscription_id": copy.public_id, "secret": hook.secret}


def codes_told(api, method: str, address: str, fields: set[str], value: Any) -> dict[str, str]:
    """By field, where all of them have the value."""
    # Only paper money is said by hand; elsewhere it is one field too many.
    body: dict[str, Any] = {"exchange": "paper"}
    for field in fields:
        *around, name = field.split(".")
        inner = body
        for part in around:
            inner = inner.setdefault(part, {})
        inner[name] = value
    query = dict.fromkeys(fields, value)
    response = api.get(address, query) if method == "get" else getattr(api, method)(address, body)
    assert response.status_code == 400, (value, response.content)
    return {error["attr"]: error["code"] for error in response.json()["errors"] if error["attr"] in fields}


def kept() -> list[Any]:
    models = (Strategy, Subscription, ExchangeAccount, Signal)
    return [list(model.objects.order_by("pk").values()) for model in models]


def test_the_description_knows_the_money_fields():
    fields = set().union(*ROUTES.values())
    assert {"allocation", "sizing.value", "price", "balance", "min_capital", "max_daily_loss"} <= fields
    assert len(ROUTES) > 12


@pytest.mark.parametrize(("method", "address"), ROUTES)
def test_money_that_is_no_exact_number_in_range_is_refused_by_name(api, ids, method, address):
    fields, address = ROUTES[method, address], address.format(**ids)
    before = kept()
    for value in NO_NUMBERS:
        sent = str(value) + "e0" if method == "get" and not isinstance(value, str) else value
        assert codes_told(api, method, address, fields, sent) == dict.fromkeys(fields, "invalid"), value
    for value, code in OUT_OF_RANGE.items():
        assert codes_told(api, method, address, fields, value) == dict.fromkeys(fields, code), value
    for value, is_fine in (("-0.5", NEGATIVE_IS_FINE), ("0", ZERO_IS_FINE)):
        wrong = {field for field in fields if field.rpartition(".")[2] not in is_fine}
        if wrong:
            assert codes_told(api, method, address, wrong, value) == dict.fromkeys(wrong, "min_value")
    assert kept() == before
