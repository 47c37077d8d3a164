"""Deliveries to a secret address: no credentials but the address, each signal once, the secret nowhere."""

import json
import logging
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from compliance.audit import SYSTEM
from compliance.models import AuditRecord
from execution import services, tasks
from execution.api import signals as api_signals
from execution.api import webhooks as api_webhooks
from execution.models import CopyOrder
from strategies import webhooks
from strategies.models import Signal, Strategy, Webhook
from tests.execution.world import execute

BODY = {
    "client_signal_id": "BTCUSDT-60-2026-01-05T12:00:00Z",
    "symbol": "BTC/USDT",
    "side": "buy",
    "type": "market",
    "amount": "0.01",
}
ROOT = Path(__file__).resolve().parents[2]
UNKNOWN = "cth_" + "0" * 32


@pytest.fixture
def enqueued(monkeypatch):
    """What would go to the workers: here no worker listens, the tests do its work themselves."""
    calls: list[Any] = []
    monkeypatch.setattr(tasks, "enqueue_orders", lambda ids, queue="orders": calls.append((list(ids), queue)))
    return calls


@pytest.fixture
def made(world):
    return webhooks.create_webhook(strategy=world.strategy, origin=SYSTEM, now=timezone.now())


@pytest.fixture
def hook(made, enqueued):
    """`hook({...})` delivers: a plain client without cookies or headers, with Django's CSRF check on."""
    client = Client(enforce_csrf_checks=True)

    def deliver(body, *, secret=made.secret, content_type="application/json", **extra):
        raw = body if isinstance(body, (bytes, str)) else json.dumps(body)
        return client.post(f"/hooks/{secret}", raw, content_type=content_type, **extra)

    return deliver


@pytest.fixture
def throttled(settings, monkeypatch):
    """Limits count, in a minute of their own."""
    settings.THROTTLING = True
    minute = 4_000_000_000 + secrets.randbelow(1_000_000_000)
    monkeypatch.setattr("rest.throttles.time", SimpleNamespace(time=lambda: minute))


def error_of(response, status=400):
    assert response.status_code == status, response.content
    (error,) = response.json()["errors"]
    return error["code"], error["attr"]


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "text/plain", "text/plain; charset=utf-8"],
)
def test_a_delivery_is_placed_on_the_masters_own_account(hook, world, enqueued, content_type):
    answer = hook(BODY, content_type=content_type)
    assert answer.status_code == 202, answer.content
    assert answer.json().keys() == {"id", "status"}
    assert answer.json()["status"] == "placing"
    signal = Signal.objects.get(public_id=answer.json()["id"])
    assert (signal.strategy, signal.source) == (world.strategy, "webhook")
    order = CopyOrder.objects.get(signal=signal)
    assert order.subscription is None
    assert enqueued == [([order.pk], "signals")]
    execute([order.pk])
    order.refresh_from_db()
    assert order.status == "filled"


def test_the_same_delivery_again_is_the_same_signal_and_another_body_is_refused(hook, enqueued):
    first = hook(BODY)
    for _ in range(3):
        again = hook(BODY, content_type="text/plain")
        assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    assert error_of(hook(BODY | {"amount": "0.02"}), 409)[0] == "idempotency_conflict"
    assert len(enqueued) == CopyOrder.objects.count() == Signal.objects.count() == 1


def test_a_delivery_and_an_api_request_of_one_id_are_one_signal(hook, api_of, world, enqueued):
    first = hook(BODY)
    url = f"/api/v1/strategies/{world.strategy.public_id}/signals/"
    again = api_of(world.strategy.owner).post(url, BODY)
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    assert len(enqueued) == 1


@pytest.mark.django_db(transaction=True)
def test_deliveries_at_the_same_moment_make_one_signal(hook):
    def deliver(_number):
        try:
            return hook(BODY).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(deliver, range(4)))
    assert answers == [200, 200, 200, 202]
    assert CopyOrder.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "code", "attr"),
    [
        ({"amount": 0.01}, "invalid", "amount"),
        ({"amount": 1}, "invalid", "amount"),
        ({"type": "limit", "price": 100000}, "invalid", "price"),
        ({"amount": "1e-2"}, "invalid", "amount"),
        ({"amount": "{{strategy.order.contracts}}"}, "invalid", "amount"),
        ({"amount": "0"}, "min_value", "amount"),
        ({"symbol": "BTCUSDT"}, "invalid", "symbol"),
        ({"symbol": "DOGE/USDT"}, "symbol_not_in_strategy", "symbol"),
        ({"side": "long"}, "invalid_choice", "side"),
        ({"type": "limit"}, "required", "price"),
        ({"client_signal_id": None}, "null", "client_signal_id"),
        ({"client_signal_id": ""}, "blank", "client_signal_id"),
        ({"client_signal_id": "Long Entry"}, "invalid", "client_signal_id"),
        ({"comment": "hi"}, "unknown_field", "comment"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_placed(hook, enqueued, change, code, attr):
    assert (code, attr) == error_of(hook(BODY | change, content_type="text/plain"))
    assert not Signal.objects.exists()
    assert enqueued == []


TEMPLATES = re.findall(
    r"```json\n(\{\n.*?)```", (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8"), re.DOTALL
)
PLACEHOLDERS = {
    "{{ticker}}": "BTCUSDT",
    "{{interval}}": "60",
    "{{timenow}}": "2026-01-05T12:00:03Z",
    "{{strategy.order.action}}": "buy",
    "{{strategy.order.contracts}}": "0.01",
    "{{close}}": "97412.51",
}


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_documented_templates_are_taken_once_filled_in(hook, template):
    assert len(TEMPLATES) == 2
    for placeholder, value in PLACEHOLDERS.items():
        template = template.replace(placeholder, value)
    answer = hook(template)
    assert answer.status_code == 202, answer.content


def test_without_an_id_of_the_sender_nothing_is_placed(hook):
    body = {name: value for name, value in BODY.items() if name != "client_signal_id"}
    assert error_of(hook(body)) == ("required", "client_signal_id")
    assert not Signal.objects.exists()


@pytest.mark.parametrize(
    ("raw", "codes"),
    [
        (b"BTCUSDT crossed 100000", {"parse_error"}),
        (b'{"client_signal_id": "a", "client_signal_id": "b"}', {"duplicate_key"}),
        (b'{"amount": NaN}', {"parse_error"}),
        (b'{"symbol": "\xff"}', {"parse_error"}),
        (b'{"symbol": "\\ud800"}', {"parse_error"}),
        (b"[" * 60_000, {"parse_error"}),
        (b"[]", {"invalid"}),
        (b"null", {"null"}),
        (b"", {"required"}),
        (b"{}", {"required"}),
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_a_body_that_is_no_signal_is_refused_in_the_form_of_all_errors(hook, raw, codes, content_type):
    answer = hook(raw, content_type=content_type)
    assert answer.status_code == 400, answer.content
    assert answer.json().keys() == {"type", "errors"}
    assert {error["code"] for error in answer.json()["errors"]} == codes


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data", "a/b", ""]
)
def test_other_kinds_of_body_are_not_taken(hook, content_type):
    assert error_of(hook(BODY, content_type=content_type), 415)[0] == "unsupported_media_type"


def test_a_body_has_at_most_64_kilobytes(hook):
    padded = json.dumps(BODY).ljust(64 * 1024)
    assert hook(padded + " ", content_type="text/plain").status_code == 413
    assert not Signal.objects.exists()
    assert hook(padded, content_type="text/plain").status_code == 202


def test_an_address_takes_nothing_but_posts(made, db):
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        for secret in (made.secret, UNKNOWN):
            answer = Client().generic(method, f"/hooks/{secret}", json.dumps(BODY))
            assert (answer.status_code, answer["Allow"]) == (405, "POST"), method
    assert not Signal.objects.exists()


@pytest.mark.parametrize(
    "secret", [UNKNOWN, "cth_", "x", "a/b", "%00", "%0a", "%ff", "é", "x" * 2000, "..", ""]
)
def test_an_unknown_address_is_not_there_whatever_its_form(hook, secret):
    assert error_of(hook(BODY, secret=secret), 404) == ("not_found", None)
    assert not Signal.objects.exists()


def test_a_revoked_address_answers_as_one_that_never_was(hook, made):
    assert hook(BODY).status_code == 202
    webhooks.revoke_webhook(webhook=made.webhook, origin=SYSTEM, now=timezone.now())
    revoked, unknown = hook(BODY), hook(BODY, secret=UNKNOWN)
    assert revoked.status_code == unknown.status_code == 404
    assert revoked.content == unknown.content
    failures = AuditRecord.objects.filter(action="webhook.failure", outcome="refused")
    assert [row.object for row in failures] == ["", ""]


def test_unknown_ones_cost_the_same_look_up_whatever_their_form(hook, made, django_assert_num_queries):
    webhooks.revoke_webhook(webhook=made.webhook, origin=SYSTEM, now=timezone.now())
    for secret in (UNKNOWN, made.secret, "x", "é" * 500):
        with django_assert_num_queries(2):  # The look-up, and the record of the failure.
            assert hook("not read", secret=secret).status_code == 404


def test_the_addresses_of_somebody_suspended_are_dead(hook, world):
    world.strategy.owner.is_active = False
    world.strategy.owner.save()
    assert hook(BODY).status_code == 404


def test_a_strategy_that_is_closed_takes_no_signals(hook, world):
    Strategy.objects.filter(pk=world.strategy.pk).update(status="closed")
    assert error_of(hook(BODY), 409)[0] == "strategy_not_published"


def test_a_log_in_or_a_token_makes_no_difference(hook, stranger, made):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(stranger)
    sent = browser.post(f"/hooks/{made.secret}", json.dumps(BODY), content_type="application/json")
    assert sent.status_code == 202
    assert hook(BODY, HTTP_AUTHORIZATION="Bearer wrong", HTTP_X_NONCE="!").status_code == 200


def test_who_delivered_is_on_record_in_the_masters_name(hook, made, world):
    hook(BODY, HTTP_USER_AGENT="sender/1")
    row = AuditRecord.objects.get(action="webhook.use")
    assert (row.actor, row.object) == (str(world.strategy.owner.public_id), str(made.webhook.public_id))
    assert (row.ip, row.user_agent, row.token_id) == ("127.0.0.1", "sender/1", None)
    assert row.detail == {"client_signal_id": BODY["client_signal_id"]}


def test_the_last_use_is_told_for_refused_bodies_too(hook):
    assert hook("{}").status_code == 400
    assert Webhook.objects.get().last_used_at is not None


def test_a_burst_waits_and_what_floods_an_address_leaves_the_api_free(
    hook, api_of, world, throttled, monkeypatch
):
    monkeypatch.setattr(api_signals, "SIGNALS_PER_MINUTE", 3)
    answers = [hook(BODY | {"client_signal_id": f"s{number}"}) for number in range(5)]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429, 429]
    assert error_of(answers[-1], 429)[0] == "throttled"
    assert 1 <= int(answers[-1]["Retry-After"]) <= 61
    url = f"/api/v1/strategies/{world.strategy.public_id}/signals/"
    master = api_of(world.strategy.owner)
    sent = [master.post(url, BODY | {"client_signal_id": f"a{number}"}) for number in range(4)]
    assert [answer.status_code for answer in sent] == [202, 202, 202, 429]
    assert error_of(sent[-1], 429)[0] == "throttled"
    assert "Retry-After" in sent[-1]
    assert Signal.objects.count() == 6


def test_two_addresses_of_one_strategy_share_its_limit(hook, world, throttled, monkeypatch):
    monkeypatch.setattr(api_signals, "SIGNALS_PER_MINUTE", 1)
    other = webhooks.create_webhook(strategy=world.strategy, origin=SYSTEM, now=timezone.now())
    assert hook(BODY).status_code == 202
    assert hook(BODY, secret=other.secret).status_code == 429


def test_what_comes_too_fast_spends_no_nonce(api_of, world, enqueued, throttled, monkeypatch):
    url = f"/api/v1/strategies/{world.strategy.public_id}/signals/"
    master = api_of(world.strategy.owner)
    monkeypatch.setattr(api_signals, "SIGNALS_PER_MINUTE", 1)
    answers = [master.post(url, BODY, HTTP_X_NONCE=nonce).status_code for nonce in ("first", "second")]
    monkeypatch.setattr(api_signals, "SIGNALS_PER_MINUTE", 3)
    assert [*answers, master.post(url, BODY, HTTP_X_NONCE="second").status_code] == [202, 429, 200]


def test_sixty_signals_a_minute_are_let_through(api_of, world, enqueued, throttled):
    url = f"/api/v1/strategies/{world.strategy.public_id}/signals/"
    master = api_of(world.strategy.owner)
    assert {master.post(url, {}).status_code for _ in range(60)} == {400}
    assert master.post(url, BODY).status_code == 429


def test_guesses_are_limited_by_address_and_do_not_keep_good_deliveries_out(hook, throttled, monkeypatch):
    monkeypatch.setattr(api_webhooks, "FAILURES_PER_MINUTE", 2)
    answers = [hook(BODY, secret=UNKNOWN) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [404, 404, 429, 429]
    assert "Retry-After" in answers[-1]
    assert AuditRecord.objects.filter(action="webhook.failure").count() == 2
    # TradingView sends for everybody from the same few addresses.
    assert hook(BODY).status_code == 202
    assert hook(BODY, secret=UNKNOWN, REMOTE_ADDR="192.0.2.7").status_code == 404


@pytest.fixture
def logged(caplog):
    """All that loggers were given, whole records with what hangs on them."""
    caplog.set_level(logging.DEBUG)
    return lambda: caplog.text + repr([vars(record) for record in caplog.records])


def test_the_secret_is_in_no_log_and_no_answer_whatever_goes_wrong(hook, made, logged, monkeypatch, settings):
    def fail(**_):
        raise RuntimeError("a defect of ours")

    answers = [
        hook(BODY),
        hook("{", content_type="text/plain"),
        hook(BODY, content_type="a/b"),
        hook(" " * 70_000),
        hook(BODY, HTTP_HOST="evil.example"),
        hook(BODY | {"amount": "0.02"}),
    ]
    broken = Client(raise_request_exception=False)
    path = f"/hooks/{made.secret}"
    monkeypatch.setattr(services, "send_signal", fail)
    answers.append(broken.post(path, json.dumps(BODY), content_type="application/json"))
    webhooks.revoke_webhook(webhook=made.webhook, origin=SYSTEM, now=timezone.now())
    answers.append(hook(BODY))
    answers.append(broken.get(path))
    assert [answer.status_code for answer in answers] == [202, 400, 415, 413, 400, 409, 500, 404, 405]
    text = logged()
    # What is logged is logged, without the secret.
    assert "Not Found: /hooks/hidden" in text
    assert "Server Error (500): /hooks/hidden" in text
    assert "Bad Request: /hooks/hidden" in text
    assert made.secret not in text
    for answer in answers:
        assert made.secret not in answer.content.decode() + str(answer.headers)


@pytest.mark.parametrize("start", ["//hooks/", "/hook/", "/Hooks/", "/api/v1/hooks/", "/x/hooks/", "/"])
def test_a_mistyped_address_puts_the_secret_in_no_log_either(made, logged, start):
    answer = Client().post(f"{start}{made.secret}", json.dumps(BODY), content_type="application/json")
    assert answer.status_code == 404
    assert "Not Found" in logged()
    assert made.secret not in logged()


def test_the_servers_own_environment_forgets_the_secret(hook, made):
    """gunicorn writes its access log from it, where an operator turns that on."""
    address = f"/hooks/{made.secret}?x=1"
    answer = hook(BODY, RAW_URI=address, REQUEST_URI=address)
    assert answer.status_code == 202
    environ = answer.wsgi_request.environ
    assert environ["PATH_INFO"] == environ["RAW_URI"] == environ["REQUEST_URI"] == "/hooks/hidden"
    assert made.secret not in repr(environ)


def test_a_refusal_that_repeats_a_field_name_repeats_no_more_than_its_start(hook):
    (error,) = hook(BODY | {"x" * 5000: 1}).json()["errors"]
    assert len(error["attr"]) == 80
