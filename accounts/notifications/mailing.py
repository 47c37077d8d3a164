"""Emptying the list of what is to be mailed.

Claimed before it is sent: the claim makes the rows due again later, so whoever is killed while sending
delays a mail, and two processes at once send it once. What can wait is bundled: one mail in ten minutes.
"""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta
from smtplib import SMTPException
from typing import Any

import structlog
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import transaction

from accounts.models import User
from accounts.notifications.kinds import ALWAYS
from accounts.notifications.letters import letter
from accounts.notifications.models import Notification, NotificationSettings

PEOPLE_AT_ONCE = 200
MOST_IN_A_MAIL = 50
BUNDLED_FOR = timedelta(minutes=10)
MOST_ATTEMPTS = 8
log = structlog.get_logger(__name__)

Bundle = list[Notification]


def send_due(*, now: datetime) -> int:
    """Mail what is due; how many mails left. May run twice at once, or die anywhere."""
    due = Notification.objects.to_mail(now=now).order_by("mail_due_at", "pk")
    people = dict.fromkeys(due.values_list("user_id", flat=True)[: PEOPLE_AT_ONCE * MOST_IN_A_MAIL])
    if not people:
        return 0
    sent = 0
    with closing(get_connection()) as connection:
        if not _is_open(connection):
            return 0
        for user_id in list(people)[:PEOPLE_AT_ONCE]:
            for user, bundle in _claim(user_id, now):
                mail = letter(user=user, told=bundle)
                sent += _send(mail, bundle, connection)
    return sent


def _is_open(connection: Any) -> bool:
    """With the mail server away nothing is claimed, and no attempt is spent."""
    try:
        connection.open()
    except (OSError, SMTPException) as error:
        log.warning("mail_server_away", error=type(error).__name__)
        return False
    return True


def _claim(user_id: int, now: datetime) -> list[tuple[User, Bundle]]:
    """What may be sent to the person now, as ours; bundles of one, and one of all that can wait."""
    with transaction.atomic(durable=True):
        NotificationSettings.objects.get_or_create(user_id=user_id)
        settings = NotificationSettings.objects.select_for_update(of=("self",)).select_related("user")
        wishes = settings.get(user_id=user_id)
        due = Notification.objects.owned_by(user_id).to_mail(now=now)
        rows = list(due.select_for_update(of=("self",)).order_by("pk")[:MOST_IN_A_MAIL])
        rows = _without_unwanted(rows, wishes)
        at_once = [row for row in rows if row.kind in ALWAYS]
        bundle = _bundle([row for row in rows if row.kind not in ALWAYS], wishes, now)
        for row in [*at_once, *bundle]:
            row.mail_attempts += 1
            row.mail_due_at = now + timedelta(minutes=2**row.mail_attempts)
        Notification.objects.bulk_update([*at_once, *bundle], ["mail_attempts", "mail_due_at"])
    bundles = [*([row] for row in at_once), *([bundle] if bundle else [])]
    return [(wishes.user, one) for one in bundles]


def _without_unwanted(rows: Bundle, wishes: NotificationSettings) -> Bundle:
    """Who may not log in is not written to, and a wish counts up to the last moment."""
    unwanted = [
        row
        for row in rows
        if not wishes.user.is_active or (row.kind in wishes.mail_off and row.kind not in ALWAYS)
    ]
    Notification.objects.filter(pk__in=[row.pk for row in unwanted]).update(mail=Notification.Mail.NONE)
    return [row for row in rows if row not in unwanted]


def _bundle(rows: Bundle, wishes: NotificationSettings, now: datetime) -> Bundle:
    """All of them, or none and later, if the last mail is not ten minutes old. The caller holds the lock."""
    if not rows:
        return []
    if wishes.mailed_at and wishes.mailed_at > now - BUNDLED_FOR:
        later = wishes.mailed_at + BUNDLED_FOR
        Notification.objects.filter(pk__in=[row.pk for row in rows]).update(mail_due_at=later)
        return []
    wishes.mailed_at = now
    wishes.save(update_fields=["mailed_at"])
    return rows


def _send(mail: EmailMultiAlternatives, bundle: Bundle, connection: Any) -> bool:
    rows = Notification.objects.filter(pk__in=[row.pk for row in bundle], mail=Notification.Mail.DUE)
    mail.connection = connection
    try:
        mail.send()
    except (OSError, SMTPException, ValueError) as error:
        # One address that no mail reaches must not keep the others waiting.
        log.warning("mail_not_sent", notification=str(bundle[0].public_id), error=type(error).__name__)
        rows.filter(mail_attempts__gte=MOST_ATTEMPTS).update(mail=Notification.Mail.FAILED)
        # The next one gets a fresh connection: this one may be broken.
        connection.close()
        return False
    rows.update(mail=Notification.Mail.SENT)
    return True
