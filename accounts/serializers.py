"""What the API of people and tokens takes and gives."""

from __future__ import annotations

import ipaddress
import zoneinfo
from typing import Any

from rest_framework import serializers

from accounts.models import AccessToken, User
from rest import codes
from rest.fields import Moment, Text, WholeNumber, Word
from rest.serializers import StrictSerializer

REPORT_CURRENCIES = ("USDT", "USDC", "USD", "EUR", "GBP", "CHF", "JPY", "BTC", "ETH")
ONE_OF_TWO_REQUIRED = codes.declare("token_or_id_required", "Send either the token or its id.")


class NetworkField(serializers.CharField):
    """An address or a network such as `203.0.113.0/24`."""

    def to_internal_value(self, data: Any) -> str:
        try:
            if not isinstance(data, str):
                raise ValueError
            return str(ipaddress.ip_network(data.strip(), strict=False))
        except ValueError:
            raise serializers.ValidationError("Not an IP address or network.", "invalid") from None


class CredentialsSerializer(serializers.Serializer[Any]):
    """Who asks for a token. Not strict: the rest of the body is looked at after the log-in."""

    email = Word(max_length=254)
    password = Word(max_length=1024, trim_whitespace=False, write_only=True)
    otp = Word(max_length=32, required=False, write_only=True)


class TokenRequestSerializer(StrictSerializer):
    """The token wanted; e-mail, password and code are left out with a browser session."""

    email = Word(max_length=254, required=False, write_only=True)
    password = Word(max_length=1024, required=False, trim_whitespace=False, write_only=True)
    otp = Word(max_length=32, required=False, write_only=True)
    name = Text(max_length=100)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=AccessToken.Scope.choices), allow_empty=False, max_length=20
    )
    expires_in_days = WholeNumber(
        min_value=1, max_value=3650, required=False, help_text="Left out: 365 days."
    )
    allowed_ips = serializers.ListField(
        child=NetworkField(), required=False, max_length=50, help_text="Left out or empty: from everywhere."
    )


class IssuedTokenSerializer(serializers.ModelSerializer[AccessToken]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    expires_at = Moment(read_only=True)
    created_at = Moment(read_only=True)
    token = serializers.SerializerMethodField(help_text="Shown this once.")

    class Meta:
        model = AccessToken
        fields = ["id", "token", "prefix", "name", "scopes", "allowed_ips", "expires_at", "created_at"]
        read_only_fields = fields

    def get_token(self, token: AccessToken) -> str:
        text: str = self.context["text"]
        return text


class TokenSerializer(serializers.ModelSerializer[AccessToken]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    created_at = Moment(read_only=True)
    last_used_at = Moment(read_only=True, allow_null=True)
    expires_at = Moment(read_only=True, allow_null=True)
    revoked_at = Moment(read_only=True, allow_null=True)

    class Meta:
        model = AccessToken
        fields = [
            "id",
            "prefix",
            "name",
            "scopes",
            "allowed_ips",
            "created_at",
            "last_used_at",
            "expires_at",
            "revoked_at",
        ]
        read_only_fields = fields


class RevocationSerializer(StrictSerializer):
    """Exactly one of the two."""

    token = Word(max_length=200, required=False, write_only=True)
    id = Word(max_length=200, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError(ONE_OF_TWO_REQUIRED.meaning, ONE_OF_TWO_REQUIRED.name)
        return attrs


class MeSerializer(serializers.ModelSerializer[User]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    roles = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = User
        fields = ["id", "email", "roles", "kyc_status", "time_zone", "report_currency"]
        read_only_fields = fields


class PreferencesSerializer(StrictSerializer):
    time_zone = Word(max_length=64, required=False)
    report_currency = serializers.ChoiceField(choices=REPORT_CURRENCIES, required=False)

    def validate_time_zone(self, value: str) -> str:
        if value not in zoneinfo.available_timezones():
            raise serializers.ValidationError("Not a time zone such as Europe/Madrid.", "invalid")
        return value
