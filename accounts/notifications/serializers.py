"""What the API of notifications takes and gives."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.notifications.kinds import ALWAYS, BY_CHOICE, NotificationKind
from accounts.notifications.models import Notification, NotificationSettings
from rest.fields import Moment
from rest.serializers import QuerySerializer, StrictSerializer


class NotificationFilters(QuerySerializer):
    unread = serializers.ChoiceField(choices=["true", "false"], required=False)


class NotificationSerializer(serializers.ModelSerializer[Notification]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    kind = serializers.ChoiceField(choices=NotificationKind.choices, read_only=True)
    link = serializers.CharField(
        read_only=True, help_text="A path of this platform, where something can be done about it; or empty."
    )
    created_at = Moment(read_only=True)
    read_at = Moment(read_only=True, allow_null=True)

    class Meta:
        model = Notification
        fields = ["id", "kind", "title", "body", "link", "created_at", "read_at"]
        read_only_fields = fields


class ReadSerializer(serializers.Serializer[Any]):
    read = serializers.IntegerField(help_text="How many were unread.")


KINDS_BY_CHOICE = [(kind.value, kind.label) for kind in BY_CHOICE]


def _kinds_off() -> serializers.ListField:
    kind = serializers.ChoiceField(choices=KINDS_BY_CHOICE)
    return serializers.ListField(child=kind, max_length=len(BY_CHOICE))


class NotificationPreferencesSerializer(StrictSerializer):
    mail_off = _kinds_off()
    channels_off = _kinds_off()


class NotificationPreferencesSetSerializer(serializers.Serializer[NotificationSettings]):
    mail_off = serializers.ListField(child=serializers.CharField(), help_text="Kinds that are not mailed.")
    channels_off = serializers.ListField(
        child=serializers.CharField(), help_text="Kinds that your channels do not get."
    )
    always = serializers.SerializerMethodField(help_text="Kinds that cannot be switched off.")

    def get_always(self, row: NotificationSettings) -> list[str]:
        return sorted(kind.value for kind in ALWAYS)
