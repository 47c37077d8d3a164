"""What the API of the audit record takes and gives."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from compliance.chain import Sealed, shown_form
from compliance.models import Action, AuditLink, AuditLinkQuerySet, Outcome
from rest.fields import Moment, Word
from rest.serializers import QuerySerializer

LOOKUPS = {
    "from": "record__at__gte",
    "to": "record__at__lt",
    "actor": "record__actor",
    "action": "record__action",
    "object": "record__object",
    "outcome": "record__outcome",
    "request_id": "record__request_id",
    "token_id": "record__token_id",
    "ip": "record__ip",
}


class AuditFilters(QuerySerializer):
    """`from` is included, `to` is not."""

    to = Moment(required=False)
    actor = Word(required=False, max_length=64)
    action = serializers.ChoiceField(required=False, choices=Action.values)
    object = Word(required=False, max_length=200)
    outcome = serializers.ChoiceField(required=False, choices=Outcome.values)
    request_id = Word(required=False, max_length=64)
    token_id = serializers.UUIDField(required=False)
    ip = serializers.IPAddressField(required=False)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {**super().get_fields(), "from": Moment(required=False)}


class AuditExportFilters(AuditFilters):
    format = serializers.ChoiceField(choices=["csv", "json"])


def matching(wanted: dict[str, Any]) -> AuditLinkQuerySet:
    """Sealed records that pass these filters."""
    return AuditLink.objects.filter(
        **{LOOKUPS[name]: value for name, value in wanted.items() if name in LOOKUPS}
    )


class AuditRecordSerializer(serializers.Serializer[dict[str, Any]]):
    """Of a row of `SEALED_COLUMNS`."""

    sequence = serializers.IntegerField(read_only=True)
    id = serializers.UUIDField(read_only=True)
    at = Moment(read_only=True, help_text="By the application's clock.")
    actor = serializers.CharField(read_only=True, help_text="A person's id, `system`, or empty: a stranger.")
    action = serializers.ChoiceField(read_only=True, choices=Action.values)
    object = serializers.CharField(read_only=True)
    outcome = serializers.ChoiceField(read_only=True, choices=Outcome.values)
    ip = serializers.CharField(read_only=True, allow_null=True)
    user_agent = serializers.CharField(read_only=True, allow_null=True)
    request_id = serializers.CharField(read_only=True)
    token_id = serializers.UUIDField(read_only=True, allow_null=True)
    nonce = serializers.CharField(read_only=True)
    detail = serializers.DictField(read_only=True)
    salt = serializers.CharField(read_only=True, allow_null=True, help_text="null after an erasure.")
    personal = serializers.CharField(read_only=True)
    previous_hash = serializers.CharField(read_only=True)
    hash = serializers.CharField(read_only=True)

    def to_representation(self, instance: dict[str, Any]) -> dict[str, Any]:
        return shown_form(Sealed.from_row(tuple(instance.values())))
