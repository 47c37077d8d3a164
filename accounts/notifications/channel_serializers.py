"""What the API of channels takes and gives."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.notifications.gate import LONGEST_URL
from accounts.notifications.models import NotificationChannel
from accounts.notifications.senders import FIELDS
from rest import codes
from rest.fields import Moment, Text, Word
from rest.serializers import StrictSerializer


class ChannelRequestSerializer(StrictSerializer):
    """Which of the lower fields are needed depends on the kind."""

    kind = serializers.ChoiceField(choices=NotificationChannel.Kind.choices)
    label = Text(max_length=80)  # type: ignore[assignment]
    url = Word(max_length=LONGEST_URL, required=False, help_text="Discord, Slack, webhook.")
    bot_token = Word(max_length=120, required=False, help_text="Telegram.")
    chat_id = Word(max_length=32, required=False, help_text="Telegram.")
    topic = Word(max_length=64, required=False, help_text="ntfy.")
    server = Word(max_length=LONGEST_URL, required=False, help_text="ntfy, if it is your own.")
    token = Word(max_length=200, required=False, help_text="ntfy, if the topic asks for one.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        needed, possible = FIELDS[attrs["kind"]]
        given = attrs.keys() - {"kind", "label"}
        errors = {name: [_error(codes.REQUIRED)] for name in needed if name not in given}
        errors |= {name: [_error(codes.UNKNOWN_FIELD)] for name in given - {*needed, *possible}}
        if errors:
            raise serializers.ValidationError(errors)
        return attrs


class ChannelChangeSerializer(StrictSerializer):
    label = Text(max_length=80, required=False)  # type: ignore[assignment]
    status = serializers.ChoiceField(choices=NotificationChannel.Status.choices, required=False)


class ChannelSerializer(serializers.ModelSerializer[NotificationChannel]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    created_at = Moment(read_only=True)
    last_sent_at = Moment(read_only=True, allow_null=True)

    class Meta:
        model = NotificationChannel
        fields = ["id", "kind", "label", "hint", "status", "status_reason", "created_at", "last_sent_at"]
        read_only_fields = fields


class MadeChannelSerializer(ChannelSerializer):
    secret = serializers.SerializerMethodField(
        help_text="Of a webhook only: it signs what is sent. Shown this once."
    )

    class Meta(ChannelSerializer.Meta):
        fields = [*ChannelSerializer.Meta.fields, "secret"]
        read_only_fields = fields

    def get_secret(self, channel: NotificationChannel) -> str | None:
        return self.context["secret"] or None


class DeliveredSerializer(serializers.Serializer[Any]):
    delivered = serializers.BooleanField()


def _error(code: codes.Code) -> serializers.ErrorDetail:
    return serializers.ErrorDetail(code.meaning, code.name)
