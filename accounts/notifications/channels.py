"""Channels: made, renamed, tried, removed. Where one leads never comes back out."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.notifications import senders
from accounts.notifications.gate import Gate
from accounts.notifications.letters import address
from accounts.notifications.models import ChannelDelivery, Notification, NotificationChannel
from compliance import audit
from compliance.audit import Origin
from compliance.models import Action
from records import sealing
from rest import codes
from rest.errors import Conflict

TOO_MANY_CHANNELS = codes.declare(
    "too_many_channels", "You have 10 channels already: remove one that is no longer needed."
)
MOST_CHANNELS = 10


@dataclass(frozen=True, slots=True)
class Made:
    """A new channel; `secret` signs what a webhook gets, and exists in the clear only now."""

    channel: NotificationChannel
    secret: str = field(repr=False)


def create_channel(
    *, user: User, kind: str, label: str, fields: Mapping[str, str], way: Gate, origin: Origin, now: datetime
) -> Made:
    """senders.FieldWrong, gate.AddressRefused, Conflict."""
    senders.check_fields(kind, fields, way)
    secret = secrets.token_urlsafe(32) if kind == NotificationChannel.Kind.WEBHOOK else ""
    kept = {**fields, **({"secret": secret} if secret else {})}
    channel = NotificationChannel(
        user=user, kind=kind, label=label, hint=senders.hint_of(kind, fields, way), created_at=now
    )
    channel.sealed = sealing.seal(json.dumps(kept).encode(), owner=_owner(channel))
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if NotificationChannel.objects.owned_by(user.pk).count() >= MOST_CHANNELS:
            raise Conflict(TOO_MANY_CHANNELS)
        channel.save(force_insert=True)
        _record(Action.CHANNEL_CREATE, channel, origin)
    return Made(channel, secret)


def change_channel(
    *, channel: NotificationChannel, label: str | None, status: str | None, origin: Origin
) -> NotificationChannel:
    """Rename, switch off or on; what waited while it was off is not sent any more."""
    with transaction.atomic():
        locked = NotificationChannel.objects.select_for_update(of=("self",)).get(pk=channel.pk)
        locked.label = label or locked.label
        if status is not None and status != locked.status:
            locked.status, locked.status_reason = status, ""
            ChannelDelivery.objects.filter(channel=locked).delete()
        locked.save(update_fields=["label", "status", "status_reason"])
        _record(Action.CHANNEL_CHANGE, locked, origin)
    return locked


def delete_channel(*, channel: NotificationChannel, origin: Origin) -> None:
    with transaction.atomic():
        _record(Action.CHANNEL_DELETE, channel, origin)
        channel.delete()


def send_test(*, channel: NotificationChannel, way: Gate, now: datetime) -> None:
    """gate.Unreachable."""
    message = {
        "id": str(channel.public_id),
        "kind": "test",
        "title": "This channel works",
        "body": "You asked for this test. What you choose under Notifications comes here from now on.",
        "link": address("/notifications/"),
        "created_at": now.isoformat(),
    }
    senders.send(channel.kind, open_fields(channel), message, now=now, way=way)
    NotificationChannel.objects.filter(pk=channel.pk).update(last_sent_at=now)


def message_of(notification: Notification) -> dict[str, str]:
    return {
        "id": str(notification.public_id),
        "kind": notification.kind,
        "title": notification.title,
        "body": notification.body,
        "link": address(notification.link) if notification.link else "",
        "created_at": notification.created_at.isoformat(),
    }


def open_fields(channel: NotificationChannel) -> dict[str, str]:
    """Only for the process that sends. sealing.CannotOpen."""
    fields: dict[str, str] = json.loads(sealing.unseal(channel.sealed, owner=_owner(channel)))
    return fields


def reseal_all() -> int:
    """Under the first key of the ring; how many were not."""
    changed = 0
    for channel in NotificationChannel.objects.order_by("pk"):
        if not sealing.is_sealed_under_first_key(channel.sealed):
            sealed = sealing.reseal(channel.sealed, owner=_owner(channel))
            same = NotificationChannel.objects.filter(pk=channel.pk, sealed=channel.sealed)
            changed += same.update(sealed=sealed)
    return changed


def _owner(channel: NotificationChannel) -> str:
    return f"notification channel {channel.public_id}"


def _record(action: Action, channel: NotificationChannel, origin: Origin) -> None:
    detail = {"kind": str(channel.kind), "status": str(channel.status)}
    audit.record(action, origin=origin, object=str(channel.public_id), detail=detail)
