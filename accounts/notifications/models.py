"""The inbox of each person. What is still to be mailed is a column of its rows."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.notifications.kinds import NotificationKind
from records.fields import PublicIdModel


class NotificationQuerySet(models.QuerySet["Notification"]):
    def owned_by(self, user_id: int) -> NotificationQuerySet:
        return self.filter(user_id=user_id)

    def unread(self) -> NotificationQuerySet:
        return self.filter(read_at=None)

    def to_mail(self, *, now: datetime) -> NotificationQuerySet:
        return self.filter(mail=Notification.Mail.DUE, mail_due_at__lte=now)


class Notification(PublicIdModel):
    """A fact that a person is told, once for each cause."""

    class Mail(models.TextChoices):
        NONE = "none"
        DUE = "due"
        SENT = "sent"
        FAILED = "failed"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    # Not `choices`: a further kind is no change of the table.
    kind = models.CharField(max_length=32)
    title = models.CharField(max_length=200)
    body = models.TextField()
    # A path of ours, where something can be done about it.
    link = models.CharField(max_length=200, blank=True)
    dedupe_key = models.CharField(max_length=160)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    mail = models.CharField(max_length=6, choices=Mail.choices)
    # While a process sends it, when another one may take it for dead.
    mail_due_at = models.DateTimeField()
    mail_attempts = models.PositiveSmallIntegerField(default=0)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "dedupe_key"], name="told_once_for_each_cause"),
        ]
        indexes = [
            models.Index(fields=["user", "-id"], name="notifications_of_a_person"),
            models.Index(fields=["user"], condition=Q(read_at=None), name="notifications_unread"),
            models.Index(fields=["mail_due_at"], condition=Q(mail="due"), name="notifications_to_mail"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_kind_display(self) -> str:
        return str(NotificationKind(self.kind).label)


class ChannelQuerySet(models.QuerySet["NotificationChannel"]):
    def owned_by(self, user_id: int) -> ChannelQuerySet:
        return self.filter(user_id=user_id)


class NotificationChannel(PublicIdModel):
    """A further way to a person: a chat of theirs, or a program. Where it leads is sealed."""

    class Kind(models.TextChoices):
        TELEGRAM = "telegram", "Telegram"
        DISCORD = "discord", "Discord"
        SLACK = "slack", "Slack"
        NTFY = "ntfy", "ntfy"
        WEBHOOK = "webhook", _("Webhook")

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        DISABLED = "disabled", _("Switched off")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    label = models.CharField(max_length=80)
    sealed = models.TextField()
    hint = models.CharField(max_length=120, help_text="What is shown of where it leads.")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ACTIVE)
    status_reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    last_sent_at = models.DateTimeField(null=True)

    objects = ChannelQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["user", "-id"], name="channels_of_a_person")]

    def __str__(self) -> str:
        return self.label


class ChannelDelivery(models.Model):
    """One notification on its way through one channel; the row is the work, and goes when it is done."""

    channel = models.ForeignKey(NotificationChannel, on_delete=models.CASCADE, related_name="+")
    notification = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="+")
    # While a process sends it, when another one may take it for dead.
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "notification"], name="once_by_each_channel"),
        ]
        indexes = [models.Index(fields=["due_at"], name="deliveries_due")]

    def __str__(self) -> str:
        return f"{self.channel_id}: {self.notification_id}"


class NotificationSettings(models.Model):
    """What a person does not want to be told outside the inbox; without a row, everything."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    mail_off = ArrayField(models.CharField(max_length=32), default=list)
    channels_off = ArrayField(models.CharField(max_length=32), default=list)
    # When the last mail that could wait was begun: the next one waits until ten minutes after.
    mailed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.user)
