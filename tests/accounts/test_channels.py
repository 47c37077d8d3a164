"""Channels: sealed, tried, delivered once, and switched off when they take nothing."""

import json
import re
import time
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import ChannelDelivery, Notification, NotificationChannel, NotificationSettings
from accounts.notifications import channel_api, channels, delivering, senders
from accounts.notifications.gate import Gate
from accounts.notifications.kinds import NotificationKind
from compliance.models import AuditRecord
from local.paths import ROOT
from tests.accounts.test_gate import here, site
from tests.accounts.test_notifications import NOW, api_of, tell

__all__ = ["api_of", "site"]
CHANNELS = "/api/v1/notification-channels/"
BOT_TOKEN = "123456:AAEhBP0av28rKmG8pLcNqRs4tUvWxYz12345"
GIVEN = [
    {"kind": "telegram", "bot_token": BOT_TOKEN, "chat_id": "987654321"},
    {"kind": "discord", "url": "https://discord.com/api/webhooks/123456789/" + "aB3_" * 10},
    {"kind": "slack", "url": "https://hooks.slack.com/services/T0AAAAAAA/B0BBBBBBB/" + "x9" * 12},
    {"kind": "ntfy", "topic": "my-very-own-topic", "token": "tk_secret"},
    {"kind": "webhook", "url": "https://bot.example.org/hooks/very-own"},
]
KINDS = [given["kind"] for given in GIVEN]


@pytest.fixture(autouse=True)
def every_name_is_here(monkeypatch):
    monkeypatch.setattr(channel_api, "way_out", here)


@pytest.fixture
def webhook(api, site):
    """(its id, its secret), leading to the site."""
    url = f"http://bot.example.org:{site.port}/hook"
    made = api.post(CHANNELS, {"kind": "webhook", "label": "Bot", "url": url}).json()
    return made["id"], made["secret"]


def genuine(*given, **now) -> bool:
    """By the code that docs/webhooks.md gives to integrators."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "webhooks.md").read_text(), re.S)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - our own page
    return bool(names["is_genuine"](*given, **now))


def code_of(response):
    return [(error["code"], error["attr"]) for error in response.json()["errors"]]


def test_tests_that_come_too_fast_spend_no_nonce(api, webhook, settings, monkeypatch):
    settings.THROTTLING = True
    monkeypatch.setattr(channel_api, "TESTS_PER_MINUTE", 0)
    address = f"{CHANNELS}{webhook[0]}/test/"
    assert api.post(address, HTTP_X_NONCE="the-same").status_code == 429
    settings.THROTTLING = False
    assert api.post(address, HTTP_X_NONCE="the-same").status_code == 200


@pytest.mark.parametrize("given", GIVEN, ids=KINDS)
def test_where_a_channel_leads_is_sealed_and_never_comes_back(api, given):
    answer = api.post(CHANNELS, {"label": "Mine", **given})
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert made["status"] == "active" and (made["secret"] is None) == (given["kind"] != "webhook")
    row = NotificationChannel.objects.get()
    kept = channels.open_fields(row)
    assert kept.items() >= {name: value for name, value in given.items() if name != "kind"}.items()
    shown = api.get(CHANNELS).content.decode() + api.get(f"{CHANNELS}{made['id']}/").content.decode()
    for name, value in kept.items():
        assert value not in shown, name
        assert value not in row.sealed
    assert AuditRecord.objects.get(action="notification_channel.create").object == made["id"]


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"kind": "email", "url": "https://a.example/"}, ("invalid_choice", "kind")),
        ({"kind": "webhook"}, ("required", "url")),
        ({"kind": "webhook", "url": "https://a.example/", "topic": "x"}, ("unknown_field", "topic")),
        ({"kind": "webhook", "url": 7}, ("invalid", "url")),
        ({"kind": "webhook", "url": "ftp://a.example/"}, ("address_not_public", "url")),
        ({"kind": "webhook", "url": "https://u:p@a.example/"}, ("address_not_public", "url")),
        ({"kind": "telegram", "bot_token": "x", "chat_id": "1"}, ("invalid", "bot_token")),
        ({"kind": "telegram", "bot_token": BOT_TOKEN, "chat_id": "1/../x"}, ("invalid", "chat_id")),
        ({"kind": "discord", "url": "https://evil.example/api/webhooks/1/x"}, ("invalid", "url")),
        ({"kind": "slack", "url": "https://hooks.slack.com.evil.example/services/T/B/x"}, ("invalid", "url")),
        ({"kind": "ntfy", "topic": "a/b"}, ("invalid", "topic")),
        ({"kind": "ntfy", "topic": "a", "server": "gopher://a.example"}, ("address_not_public", "server")),
    ],
)
def test_what_a_service_does_not_give_out_is_refused(api, given, refusal):
    answer = api.post(CHANNELS, {"label": "Mine", **given})
    assert (answer.status_code, code_of(answer)) == (400, [refusal])
    assert not NotificationChannel.objects.exists()


@pytest.mark.parametrize("kind", ["webhook", "ntfy"])
def test_an_address_inside_our_network_is_refused_when_it_is_given(api, monkeypatch, kind):
    inside = Gate(resolve=lambda *_: ["169.254.169.254"], is_plain_http_allowed=True)
    monkeypatch.setattr(channel_api, "way_out", lambda: inside)
    field = "url" if kind == "webhook" else "server"
    given = {"kind": kind, "label": "x", field: "https://metadata.example/"}
    answer = api.post(CHANNELS, given | ({"topic": "t"} if kind == "ntfy" else {}))
    assert code_of(answer) == [("address_not_public", field)]


def test_there_are_ten_channels_at_most(api):
    for _ in range(10):
        assert api.post(CHANNELS, {"label": "Mine", **GIVEN[4]}).status_code == 201
    answer = api.post(CHANNELS, {"label": "Mine", **GIVEN[4]})
    assert (answer.status_code, code_of(answer)[0][0]) == (409, "too_many_channels")


def test_a_test_is_delivered_signed_and_at_once(api, site, webhook):
    channel_id, secret = webhook
    assert api.post(f"{CHANNELS}{channel_id}/test/").json() == {"delivered": True}
    [(path, headers, body)] = site.got
    assert genuine(secret, headers, body)
    assert not genuine(secret, headers, body + b" ")
    assert not genuine("another", headers, body)
    assert not genuine(secret, headers, body, now=time.time() + 301)
    assert (path, json.loads(body)["kind"]) == ("/hook", "test")
    assert api.get(f"{CHANNELS}{channel_id}/").json()["last_sent_at"]


def test_a_test_that_is_not_taken_says_why(api, site, webhook):
    site.status = 410
    answer = api.post(f"{CHANNELS}{webhook[0]}/test/")
    assert (answer.status_code, code_of(answer)[0][0]) == (503, "channel_failed")
    assert "410" in answer.json()["errors"][0]["detail"]


def test_channels_of_others_do_not_exist(api_of, stranger, webhook, site):
    client = api_of(stranger)
    for method, address in (
        ("get", ""), ("patch", ""), ("delete", ""), ("post", "test/"),
    ):  # fmt: skip
        assert getattr(client, method)(f"{CHANNELS}{webhook[0]}/{address}").status_code == 404
    assert (client.get(CHANNELS).json()["results"], site.got) == ([], [])


def test_ntfy_gets_its_own_form(api, site):
    url = f"http://push.example.org:{site.port}"
    given = {"kind": "ntfy", "label": "x", "topic": "mine", "token": "tk_1", "server": url}
    made = api.post(CHANNELS, given).json()
    api.post(f"{CHANNELS}{made['id']}/test/")
    [(path, headers, body)] = site.got
    assert (path, headers["Authorization"]) == ("/", "Bearer tk_1")
    assert json.loads(body)["topic"] == "mine"


# --- Delivering ---


def deliver(at=NOW) -> int:
    return delivering.deliver_due(now=at, way=here())


def test_what_a_person_is_told_is_delivered_once(user, stranger, site, webhook):
    assert tell(user, stranger) == 2
    assert [deliver(), deliver(NOW + timedelta(hours=1))] == [1, 0]
    [(_path, _headers, body)] = site.got
    row = Notification.objects.get(user=user, dedupe_key="subscription_paused:1")
    assert json.loads(body)["id"] == str(row.public_id)
    assert not ChannelDelivery.objects.exists()


def test_what_is_switched_off_for_channels_is_not_delivered(user, webhook):
    NotificationSettings.objects.create(user=user, channels_off=["subscription_paused"])
    tell(user)
    tell(user, kind=NotificationKind.MASTER_LOST)
    assert ChannelDelivery.objects.get().notification.kind == "master_lost"


def test_a_channel_that_is_switched_off_gets_nothing_and_nothing_later(api, user, webhook):
    tell(user)
    api.patch(f"{CHANNELS}{webhook[0]}/", {"status": "disabled"})
    tell(user, dedupe="2")
    api.patch(f"{CHANNELS}{webhook[0]}/", {"status": "active"})
    assert deliver() == 0
    tell(user, dedupe="3")
    assert deliver() == 1


def test_a_failure_is_tried_again_later_and_holds_back_what_waits_behind_it(user, site, webhook):
    site.status = 500
    for number in range(3):
        tell(user, dedupe=str(number))
    assert deliver() == 0
    assert len(site.got) == 1
    site.status = 200
    assert [deliver(NOW + timedelta(minutes=1)), deliver(NOW + timedelta(minutes=3))] == [0, 3]


def test_a_channel_that_takes_nothing_is_switched_off_and_its_owner_told(api, user, site, webhook):
    site.status = 500
    tell(user)
    for day in range(10):
        deliver(NOW + timedelta(days=day))
    assert len(site.got) == delivering.MOST_ATTEMPTS
    channel = api.get(f"{CHANNELS}{webhook[0]}/").json()
    assert (channel["status"], channel["status_reason"]) == ("disabled", "It answered 500.")
    assert Notification.objects.get(kind="channel_disabled").title == "The channel Bot was switched off"


class Killed(BaseException):
    """The process ends here."""


def test_a_process_killed_while_delivering_delays_and_loses_nothing(user, site, webhook, monkeypatch):
    def die(*args, **kwargs):
        raise Killed

    tell(user)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(senders, "send", die)
        deliver()
    assert [deliver(), deliver(NOW + timedelta(minutes=3))] == [0, 1]
