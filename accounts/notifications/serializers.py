"""What the API of notifications takes and gives."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.notifications.kinds import NotificationKind
from accounts.notifications.models import Notification
from rest.fields import Moment
from rest.serializers import QuerySerializer, StrictSerializer


class NoFieldsSerializer(StrictSerializer):
    """A body without fields."""


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
