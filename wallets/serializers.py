"""What the API of exchange accounts takes and gives."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from rest import codes
from rest.fields import DecimalString, Moment, Text, Word
from rest.serializers import StrictSerializer
from wallets.models import ExchangeAccount


class KeyField(serializers.CharField):
    """A key or secret: printable ASCII, with the line breaks of PEM keys; it never comes back."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=5000, write_only=True, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        if not all(c in "\r\n" or " " <= c <= "~" for c in data):
            raise serializers.ValidationError(codes.INVALID_CHARACTERS.meaning, codes.INVALID_CHARACTERS.name)
        return data.strip()


class KeysSerializer(StrictSerializer):
    """Keys of one venue account."""

    api_key = KeyField()
    secret = KeyField()
    password = KeyField(required=False, allow_blank=True)


class ConnectSerializer(KeysSerializer):
    exchange = Word(max_length=32, help_text="A ccxt id, or `paper`.")
    label = Text()  # type: ignore[assignment]  # the framework has an attribute of this name


class PaperSerializer(StrictSerializer):
    """The paper exchange needs no keys."""

    exchange = serializers.ChoiceField(choices=["paper"])
    label = Text()  # type: ignore[assignment]  # the framework has an attribute of this name
    balance = DecimalString(
        above=0, maximum=10**12, required=False, default=Decimal(10000), help_text="In USDT."
    )


class RenameSerializer(StrictSerializer):
    label = Text()  # type: ignore[assignment]  # the framework has an attribute of this name


class ExchangeAccountSerializer(serializers.ModelSerializer[ExchangeAccount]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    permissions = serializers.ListField(child=serializers.CharField(), read_only=True)
    validated_at = Moment(read_only=True, allow_null=True)
    created_at = Moment(read_only=True)
    equity = DecimalString(read_only=True, allow_null=True)
    free_quote = DecimalString(read_only=True, allow_null=True)

    class Meta:
        model = ExchangeAccount
        fields = [
            "id",
            "exchange",
            "label",
            "key_hint",
            "permissions",
            "can_withdraw",
            "status",
            "status_reason",
            "validated_at",
            "quote",
            "equity",
            "free_quote",
            "created_at",
        ]
        read_only_fields = fields
