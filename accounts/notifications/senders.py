"""How each kind of channel is reached. What it needs is checked here, and nowhere else is it known."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
from collections.abc import Callable, Mapping
from datetime import datetime

from apprise import NotifyFormat
from apprise.plugins.discord import NotifyDiscord
from apprise.plugins.slack import NotifySlack
from apprise.plugins.telegram import NotifyTelegram

from accounts.notifications import gate
from accounts.notifications.gate import Gate, Unreachable
from accounts.notifications.models import NotificationChannel

Kind = NotificationChannel.Kind
Fields = Mapping[str, str]
Message = Mapping[str, str]

NTFY = "https://ntfy.sh"
DISCORD_URL = re.compile(
    r"https://(?:discord|discordapp)\.com/api/webhooks/(\d{1,32})/([A-Za-z0-9_-]{20,200})", re.ASCII
)
SLACK_URL = re.compile(
    r"https://hooks\.slack\.com/services/(T[A-Z0-9]{4,20})/(B[A-Z0-9]{4,20})/([A-Za-z0-9]{10,60})", re.ASCII
)
FORMS: dict[str, re.Pattern[str]] = {
    "bot_token": re.compile(r"\d{5,20}:[A-Za-z0-9_-]{20,80}", re.ASCII),
    "chat_id": re.compile(r"-?\d{1,20}", re.ASCII),
    "topic": re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII),
    "token": re.compile(r"[A-Za-z0-9_.-]{1,200}", re.ASCII),
}
# By kind: what it needs, and what it may have besides.
FIELDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    Kind.TELEGRAM: (("bot_token", "chat_id"), ()),
    Kind.DISCORD: (("url",), ()),
    Kind.SLACK: (("url",), ()),
    Kind.NTFY: (("topic",), ("server", "token")),
    Kind.WEBHOOK: (("url",), ()),
}


class FieldWrong(Exception):
    """A field has not the form that the service gives it."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.name, self.sentence = name, sentence


def check_fields(kind: str, fields: Fields, way: Gate) -> None:
    """FieldWrong; gate.AddressRefused, of an address that we do not send to."""
    for name, form in FORMS.items():
        if name in fields and not form.fullmatch(fields[name]):
            raise FieldWrong(name, "This is not what the service gives out for it.")
    for of, form in ((Kind.DISCORD, DISCORD_URL), (Kind.SLACK, SLACK_URL)):
        if kind == of and not form.fullmatch(fields["url"]):
            raise FieldWrong("url", f"Not the address of a webhook of {of.label}.")
    if kind == Kind.WEBHOOK:
        gate.check(fields["url"], way)
    if kind == Kind.NTFY and "server" in fields:
        gate.check(fields["server"], way)


def hint_of(kind: str, fields: Fields, way: Gate) -> str:
    """What may be shown of where it leads: never enough to send there."""
    if kind == Kind.TELEGRAM:
        return f"…{fields['chat_id'][-4:]}"
    if kind == Kind.NTFY:
        return f"{gate.parse(fields.get('server', NTFY), way).host} · {fields['topic'][:2]}…"
    return gate.parse(fields["url"], way).host[:120]


def send(kind: str, fields: Fields, message: Message, *, now: datetime, way: Gate) -> None:
    """Unreachable."""
    SENDERS[kind](fields, message, now, way)


def _telegram(fields: Fields, message: Message, now: datetime, way: Gate) -> None:
    _through(
        NotifyTelegram(bot_token=fields["bot_token"], targets=[fields["chat_id"]], detect_owner=False),
        message,
    )


def _discord(fields: Fields, message: Message, now: datetime, way: Gate) -> None:
    match = DISCORD_URL.fullmatch(fields["url"])
    assert match is not None, "checked when it was made"  # noqa: S101
    _through(NotifyDiscord(webhook_id=match[1], webhook_token=match[2], avatar=False), message)


def _slack(fields: Fields, message: Message, now: datetime, way: Gate) -> None:
    match = SLACK_URL.fullmatch(fields["url"])
    assert match is not None, "checked when it was made"  # noqa: S101
    _through(NotifySlack(token_a=match[1], token_b=match[2], token_c=match[3], include_image=False), message)


def _through(plugin: NotifyTelegram | NotifyDiscord | NotifySlack, message: Message) -> None:
    """What it logs of itself on a failure names secrets."""
    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    text = "\n\n".join(part for part in (message["body"], message["link"]) if part)
    try:
        taken = plugin.notify(body=text, title=message["title"], body_format=NotifyFormat.TEXT)
    except (OSError, TypeError, ValueError) as error:
        raise Unreachable("The service did not take it.") from error
    if not taken:
        raise Unreachable("The service did not take it.")


def _ntfy(fields: Fields, message: Message, now: datetime, way: Gate) -> None:
    content = {"topic": fields["topic"], "title": message["title"], "message": message["body"]}
    if message["link"]:
        content["click"] = message["link"]
    headers = {"Content-Type": "application/json"}
    if "token" in fields:
        headers["Authorization"] = f"Bearer {fields['token']}"
    gate.post(fields.get("server", NTFY), json.dumps(content).encode(), headers, way)


def _webhook(fields: Fields, message: Message, now: datetime, way: Gate) -> None:
    body = json.dumps(dict(message)).encode()
    timestamp = str(int(now.timestamp()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Copytrade",
        "X-Copytrade-Timestamp": timestamp,
        "X-Copytrade-Signature": f"v1={signature(fields['secret'], timestamp, body)}",
    }
    gate.post(fields["url"], body, headers, way)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Over the time, a full stop and the body, so that neither an old nor a changed message passes."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


SENDERS: dict[str, Callable[[Fields, Message, datetime, Gate], None]] = {
    Kind.TELEGRAM: _telegram,
    Kind.DISCORD: _discord,
    Kind.SLACK: _slack,
    Kind.NTFY: _ntfy,
    Kind.WEBHOOK: _webhook,
}
