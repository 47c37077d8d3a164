"""Telling people, and what they do with what they were told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from accounts.notifications.kinds import ALWAYS, NotificationKind
from accounts.notifications.models import Notification
from records.fields import uuid7

TITLE_LENGTH, KEY_LENGTH = 200, 160

INSERT = """
WITH told_now AS (
INSERT INTO accounts_notification
    (public_id, user_id, kind, title, body, link, dedupe_key, created_at, mail, mail_due_at, mail_attempts)
SELECT told.public_id, told.user_id, %(kind)s, %(title)s, told.body, %(link)s, %(key)s, %(now)s,
    CASE WHEN %(kind)s = ANY(settings.mail_off) AND NOT %(always)s THEN 'none' ELSE 'due' END, %(now)s, 0
FROM unnest(%(ids)s::uuid[], %(users)s::bigint[], %(bodies)s::text[]) AS told(public_id, user_id, body)
LEFT JOIN accounts_notificationsettings settings ON settings.user_id = told.user_id
ORDER BY told.user_id
ON CONFLICT (user_id, dedupe_key) DO NOTHING
RETURNING id, user_id
), delivered AS (
INSERT INTO accounts_channeldelivery (channel_id, notification_id, due_at, attempts)
SELECT channel.id, told_now.id, %(now)s, 0
FROM told_now
JOIN accounts_notificationchannel channel ON channel.user_id = told_now.user_id AND channel.status = 'active'
LEFT JOIN accounts_notificationsettings settings ON settings.user_id = told_now.user_id
WHERE %(always)s OR NOT coalesce(%(kind)s = ANY(settings.channels_off), false)
)
SELECT count(*) FROM told_now
"""


def notify(
    *,
    user_ids: Iterable[int],
    kind: NotificationKind,
    title: str,
    body: str,
    now: datetime,
    dedupe: str,
    link: str = "",
) -> int:
    """Tell each of these people, in the caller's transaction; how many had not been told yet.

    One statement, whatever their number. `title` is the fact, `body` what happened, what we did and what
    they can do; `link` is a path. Of two calls with one `kind` and `dedupe` a person is told once.
    """
    bodies = dict.fromkeys(user_ids, body)
    return notify_each(bodies, kind=kind, title=title, now=now, dedupe=dedupe, link=link)


def notify_each(
    bodies: Mapping[int, str],
    *,
    kind: NotificationKind,
    title: str,
    now: datetime,
    dedupe: str,
    link: str = "",
) -> int:
    """The same where each person is told numbers of their own: user → body."""
    users = sorted(bodies)
    if not users:
        return 0
    values: dict[str, Any] = {
        "kind": kind.value,
        "title": " ".join(title.split())[:TITLE_LENGTH],
        "link": link,
        "key": f"{kind.value}:{dedupe}"[:KEY_LENGTH],
        "now": now,
        "always": kind in ALWAYS,
        "ids": [uuid7() for _ in users],
        "users": users,
        "bodies": [bodies[user] for user in users],
    }
    with connection.cursor() as cursor:
        cursor.execute(INSERT, values)
        return int(cursor.fetchone()[0])


def mark_read(*, notification: Notification, now: datetime) -> Notification:
    """Read from now on; the first time counts."""
    Notification.objects.unread().filter(pk=notification.pk).update(read_at=now)
    notification.refresh_from_db(fields=["read_at"])
    return notification


def mark_all_read(*, user_id: int, now: datetime) -> int:
    """Everything that is unread now; how many."""
    return Notification.objects.owned_by(user_id).unread().update(read_at=now)
