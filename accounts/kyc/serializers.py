"""What the API of identity checks takes and gives."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils import timezone
from django_countries.data import COUNTRIES
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.kyc.details import Details
from accounts.kyc.models import KycDocument, KycStatus
from accounts.kyc.standing import Standing
from rest import codes
from rest.fields import Moment, Text, Word
from rest.serializers import StrictSerializer

DOCUMENT_EXPIRED = codes.declare("document_expired", "This document has expired. Use a valid one.")
TOO_YOUNG = codes.declare("too_young", "You must be at least 18 years old.")
ADULT_AT = 18
OLDEST = date(1900, 1, 1)


@extend_schema_field({"type": "string", "format": "binary"})
class FileContent(serializers.Field[bytes, Any, str, Any]):
    """The bytes of a file that was sent; its name and type are not looked at."""

    default_error_messages = {"invalid": "Send a file, not text."}

    def to_internal_value(self, data: Any) -> bytes:
        if not isinstance(data, UploadedFile):
            self.fail("invalid")
        content: bytes = data.read()
        return content


class UploadSerializer(StrictSerializer):
    kind = serializers.ChoiceField(choices=KycDocument.Kind.choices)
    file = FileContent(write_only=True)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, QueryDict):
            repeated = [name for name in data if len(data.getlist(name)) > 1]
            if repeated:
                error = serializers.ErrorDetail("Given more than once.", codes.INVALID.name)
                raise serializers.ValidationError({name[:80]: [error] for name in repeated})
        return super().to_internal_value(data)


class DocumentSerializer(serializers.ModelSerializer[KycDocument]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    uploaded_at = Moment(read_only=True)

    class Meta:
        model = KycDocument
        fields = ["id", "kind", "media_type", "size", "uploaded_at"]
        read_only_fields = fields


class StrictDate(serializers.DateField):
    def to_internal_value(self, value: Any) -> date:
        if not isinstance(value, str):
            self.fail("invalid", format="YYYY-MM-DD")
        return super().to_internal_value(value)


class DetailsSerializer(StrictSerializer):
    """As on the document."""

    legal_name = Text(max_length=200)
    birth_date = StrictDate()
    country = Word(max_length=2, help_text="Of the document; two letters, ISO 3166.")
    document_number = Text(max_length=40)
    document_expires_on = StrictDate()

    def validate_birth_date(self, value: date) -> date:
        today = timezone.now().date()
        age = today.year - value.year - ((today.month, today.day) < (value.month, value.day))
        if value < OLDEST or value > today:
            raise serializers.ValidationError("Not a day on which somebody now living was born.", "invalid")
        if age < ADULT_AT:
            raise serializers.ValidationError(TOO_YOUNG.meaning, TOO_YOUNG.name)
        return value

    def validate_country(self, value: str) -> str:
        if value not in COUNTRIES:
            raise serializers.ValidationError("Two capital letters of ISO 3166, such as ES.", "invalid")
        return value

    def validate_document_expires_on(self, value: date) -> date:
        if value < timezone.now().date():
            raise serializers.ValidationError(DOCUMENT_EXPIRED.meaning, DOCUMENT_EXPIRED.name)
        return value


class ShownDetailsSerializer(serializers.Serializer[Details]):
    """To their owner; of the number only its end."""

    legal_name = serializers.CharField()
    birth_date = serializers.DateField()
    country = serializers.CharField()
    document_number = serializers.CharField(source="number_hint")
    document_expires_on = serializers.DateField()


class KycSerializer(serializers.Serializer[Standing]):
    status = serializers.ChoiceField(choices=KycStatus.choices)
    reason = serializers.CharField(help_text="Why it was decided so; empty while nothing is decided.")
    details = ShownDetailsSerializer(allow_null=True)
    documents = DocumentSerializer(many=True)
    uploads_left = serializers.IntegerField()
    valid_until = serializers.DateField(
        allow_null=True, help_text="When a new document is asked for; null while nothing is approved."
    )
