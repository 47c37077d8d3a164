"""Emptying the list of what channels still have to deliver.

A delivery is claimed by making it due again later, and its row goes once it was taken. A channel that does
not take anything is asked less and less often, then switched off, and its owner is told.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.notifications import channels, senders
from accounts.notifications.gate import Gate, Unreachable
from accounts.notifications.kinds import NotificationKind
from accounts.notifications.models import ChannelDelivery, NotificationChannel
from accounts.notifications.services import notify
from records.sealing import CannotOpen

AT_ONCE = 50
MOST_OF_A_CHANNEL = 5
MOST_ATTEMPTS = 6
log = structlog.get_logger(__name__)


def deliver_due(*, now: datetime, way: Gate) -> int:
    """Send what is due; how many were taken. May run twice at once, or die anywhere."""
    due = ChannelDelivery.objects.filter(due_at__lte=now).order_by("due_at", "pk")
    by_channel: dict[int, list[int]] = {}
    for pk, channel_id in due.values_list("pk", "channel_id")[: AT_ONCE * MOST_OF_A_CHANNEL]:
        by_channel.setdefault(channel_id, []).append(pk)
    sent = 0
    for delivery_ids in list(by_channel.values())[:AT_ONCE]:
        for delivery_id in delivery_ids[:MOST_OF_A_CHANNEL]:
            claimed = _claim(delivery_id, now)
            if claimed is None or not _deliver(claimed, now, way):
                break
            sent += 1
    return sent


def _claim(delivery_id: int, now: datetime) -> ChannelDelivery | None:
    """Ours for the next minutes, unless another process was faster."""
    with transaction.atomic():
        rows = ChannelDelivery.objects.select_for_update(of=("self",), skip_locked=True)
        row = rows.filter(pk=delivery_id, due_at__lte=now).select_related("channel", "notification").first()
        if row is not None:
            row.attempts += 1
            row.due_at = now + timedelta(minutes=2**row.attempts)
            row.save(update_fields=["attempts", "due_at"])
    return row


def _deliver(delivery: ChannelDelivery, now: datetime, way: Gate) -> bool:
    channel = delivery.channel
    try:
        message = channels.message_of(delivery.notification)
        senders.send(channel.kind, channels.open_fields(channel), message, now=now, way=way)
    except (Unreachable, CannotOpen) as failure:
        log.warning("not_delivered", channel=str(channel.public_id), why=str(failure))
        _fail(delivery, str(failure), now)
        return False
    delivery.delete()
    NotificationChannel.objects.filter(pk=channel.pk).update(last_sent_at=now)
    return True


def _fail(delivery: ChannelDelivery, why: str, now: datetime) -> None:
    channel = delivery.channel
    waiting = ChannelDelivery.objects.filter(channel=channel)
    if delivery.attempts < MOST_ATTEMPTS:
        # What else waits for it would fail as well.
        waiting.filter(due_at__lt=delivery.due_at).update(due_at=delivery.due_at)
        return
    with transaction.atomic():
        active = NotificationChannel.objects.filter(pk=channel.pk, status=NotificationChannel.Status.ACTIVE)
        if active.update(status=NotificationChannel.Status.DISABLED, status_reason=why[:200]):
            _tell(channel, why, now)
        waiting.delete()


def _tell(channel: NotificationChannel, why: str, now: datetime) -> None:
    body = _(
        "It did not take what we sent, %(attempts)s times over: %(why)s We switched it off; the inbox and "
        "mails go on.\n\nSet it right and switch it on again under Notifications."
    )
    notify(
        user_ids=[channel.user_id],
        kind=NotificationKind.CHANNEL_DISABLED,
        title=_("The channel %(label)s was switched off") % {"label": channel.label},
        body=body % {"attempts": MOST_ATTEMPTS, "why": why},
        link="/notifications/",
        now=now,
        dedupe=f"{channel.public_id}:{now.isoformat()}",
    )
