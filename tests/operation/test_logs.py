"""Log lines and error reports say what they are about, and no secret."""

import dataclasses
import io
import json
import logging
import logging.config

import pytest
import structlog

from accounts import token_store
from accounts.kyc import details
from copytrade import error_reports, logs, task_logs
from execution import tasks

KNOWN = "the-platforms-own-key-of-this-test"


@pytest.fixture
def redaction():
    return logs.Redaction([KNOWN, "short"])


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (
            "GET /api/v3/order?symbol=BTCUSDT&signature=5d41402abc4b2a76b9719d911017c592",
            "5d41402abc4b2a76b9719d",
        ),
        ("sent Authorization: Bearer abcdefabcdef", "abcdefabcdef"),
        ("could not connect to postgresql://copytrade:hunter22@db/copytrade", "hunter22"),
        (f"key {KNOWN} is wrong", KNOWN),
        ("POST https://api.telegram.org/sendMessage?chat_id=-1001234567890", "1001234567890"),
        ("POST https://api.telegram.org/bot123456:AAEhBP0av28rKmG8pLcNqRs4tUvWxYz12345/send", "AAEhBP0av28r"),
    ],
)
def test_what_looks_like_a_secret_is_hidden_wherever_it_stands(redaction, text, secret):
    hidden = redaction.text(text)
    assert logs.HIDDEN in hidden
    assert secret not in hidden


def test_an_api_token_is_hidden_wherever_it_stands(redaction):
    token = token_store._new_text()
    assert redaction.text(f"token {token} was refused") == f"token {logs.HIDDEN} was refused"


def test_ordinary_words_stay(redaction):
    text = "order 7 is short of coins; ratio=0.5 symbol=BTC/USDT http://127.0.0.1:8009/api"
    assert redaction.text(text) == text


def test_what_is_named_like_a_secret_is_hidden_however_deep(redaction):
    event = {"event": "x", "token_id": 7, "headers": {"X-MBX-APIKEY": "abc", "Accept": "json"}, "secret": "s"}
    assert redaction(None, "", event) == {
        "event": "x",
        "token_id": 7,
        "headers": {"X-MBX-APIKEY": logs.HIDDEN, "Accept": "json"},
        "secret": logs.HIDDEN,
    }


@pytest.fixture
def written(redaction):
    """Lines that a production process writes."""
    lines = logs.configuration(redaction=redaction, level="INFO", for_people=False)
    formatter = dict(lines["formatters"]["structured"])
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter.pop("()")(**formatter))
    logger = logging.getLogger("tests.lines")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logger.removeHandler(handler)
    structlog.contextvars.clear_contextvars()


def test_lines_of_libraries_are_json_too_with_the_ids_and_without_the_secret_of_an_error(written):
    structlog.contextvars.bind_contextvars(request_id="request-1", signal_id=5)
    try:
        raise ValueError(f"bad key {KNOWN}")
    except ValueError:
        logging.getLogger("tests.lines").exception("it failed")
    (line,) = written()
    assert (line["event"], line["request_id"], line["signal_id"]) == ("it failed", "request-1", 5)
    assert "ValueError" in line["exception"]
    assert KNOWN not in str(line)


def test_a_tasks_lines_carry_the_request_that_asked_for_it_and_its_subjects():
    structlog.contextvars.bind_contextvars(request_id="request-1")
    headers: dict[str, str] = {}
    task_logs._pass_request_on(headers)
    structlog.contextvars.clear_contextvars()

    tasks.fan_out.push_request(**headers)  # type: ignore[arg-type]
    try:
        task_logs._bind("t-1", tasks.fan_out, [7])
        assert structlog.contextvars.get_contextvars() == {
            "request_id": "request-1",
            "task_id": "t-1",
            "signal_id": 7,
        }
    finally:
        tasks.fan_out.pop_request()
    task_logs._unbind()
    assert structlog.contextvars.get_contextvars() == {}
    many = task_logs.subjects(tasks._execute_orders.run, [[4, 5, 6]])
    assert many == {"first_order_id": 4, "order_count": 3}


@pytest.mark.parametrize(
    "name",
    [
        *("bot_token", "chat_id", "METRICS_TOKEN"),
        *(field.name for field in dataclasses.fields(details.Details) if field.name != "country"),
    ],
)
def test_what_a_person_gave_us_of_papers_and_channels_is_hidden_by_its_name(redaction, name):
    assert redaction(None, "", {"event": "x", "given": {name: "1990-04-21"}})["given"] == {name: logs.HIDDEN}


def test_an_error_report_has_neither_person_nor_secret(redaction):
    event = {
        "user": {"id": 1, "email": "ana@example.com"},
        "request": {
            "url": "https://x/",
            "headers": {"Cookie": "a"},
            "data": {"note": "b"},
            "query_string": "c",
        },
        "exception": {"values": [{"type": "ValueError", "value": f"bad key {KNOWN}"}]},
    }
    clean = error_reports.cleaned(event, redaction)
    assert clean == {
        "request": {"url": "https://x/"},
        "exception": {"values": [{"type": "ValueError", "value": f"bad key {logs.HIDDEN}"}]},
    }
