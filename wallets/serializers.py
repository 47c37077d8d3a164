"""What the API of exchange accounts takes and gives."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from rest.fields import DecimalString, Moment, Text, Word
from rest.serializers import StrictSerializer
from wallets.models import ExchangeAccount

VISIBLE = re.compile(r"[!-~]*")
# A passphrase that its owner has chosen.
PHRASE = re.compile(r"[ -~]*")
# Some venues give out a private key, whose lines belong to it.
VISIBLE_OR_PEM = re.compile(r"[!-~]*|-----BEGIN ([A-Z ]+)-----\r?\n(?:[A-Za-z0-9+/=]+\r?\n)+-----END \1-----")


class KeyField(serializers.CharField):
    """A key or secret of this form, blanks and line ends around it cut off; it never comes back."""

    default_error_messages = {
        "invalid_characters": "A key is visible ASCII characters, without blanks between them."
    }

    def __init__(self, form: re.Pattern[str], **kwargs: Any) -> None:
        super().__init__(max_length=5000, write_only=True, **kwargs)
        self.form = form

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        key = data.strip(" \r\n")
        if not self.form.fullmatch(key):
            self.fail("invalid_characters")
        return key


class KeysSerializer(StrictSerializer):
    """Keys of one venue account."""

    api_key = KeyField(VISIBLE)
    secret = KeyField(VISIBLE_OR_PEM)
    password = KeyField(PHRASE, required=False, allow_blank=True)


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
