"""What the API of addresses takes and gives."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from exchanges import gateway
from rest.fields import Moment, Text, Word
from rest.serializers import StrictSerializer
from wallets.models import WalletAddress
from wallets.network_names import NETWORK_NAMES

NETWORK_CHOICES = list(NETWORK_NAMES.items())


class ExchangeName(Word):
    """A ccxt id, or `paper`."""

    default_error_messages = {"invalid_choice": "There is no such exchange."}

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if not gateway.is_known(name):
            self.fail("invalid_choice")
        return name


class AddAddressSerializer(StrictSerializer):
    exchange = ExchangeName(max_length=32, help_text="A ccxt id, or `paper`.")
    network = serializers.ChoiceField(choices=NETWORK_CHOICES)
    # What may stand in it is for the network to say: it is trimmed and looked through there.
    address = Word(max_length=1000, trim_whitespace=True)
    memo = Word(max_length=1000, required=False, allow_blank=True, allow_null=True, default="")
    label = Text()  # type: ignore[assignment]  # the framework has an attribute of this name
    direction = serializers.ChoiceField(choices=WalletAddress.Direction.choices)


class RenameAddressSerializer(StrictSerializer):
    label = Text()  # type: ignore[assignment]  # the framework has an attribute of this name


class CodeSerializer(StrictSerializer):
    code = Word(max_length=20, help_text="The eight digits of the mail.")


class WalletAddressSerializer(serializers.ModelSerializer[WalletAddress]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    network = serializers.ChoiceField(choices=NETWORK_CHOICES, read_only=True)
    usable_from = Moment(read_only=True)
    created_at = Moment(read_only=True)

    class Meta:
        model = WalletAddress
        fields = [
            "id",
            "exchange",
            "network",
            "address",
            "memo",
            "label",
            "direction",
            "status",
            "usable_from",
            "created_at",
        ]
        read_only_fields = fields
