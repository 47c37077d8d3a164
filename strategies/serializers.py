"""What the API of strategies takes and gives."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from rest.fields import DecimalString, Moment, Reference, Text, WholeNumber, Word
from rest.serializers import QuerySerializer, StrictSerializer
from strategies.invites.services import MOST_CHARACTERS
from strategies.models import Period, Strategy
from strategies.search import FIGURES
from wallets.models import ExchangeAccount

MOST_SYMBOLS = 50
MOST_TAGS = 10
ORDERINGS = ("created_at", "name", "followers", *FIGURES)


class Symbol(serializers.RegexField):
    """A unified symbol such as `BTC/USDT`."""

    default_error_messages = {"invalid": "A symbol such as BTC/USDT."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(r"^[A-Z0-9]{1,20}/[A-Z0-9]{1,11}\Z", max_length=32, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Choice(serializers.ChoiceField):
    """One of the words, as text: neither a number nor true for one of them."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=str(data)[:40])
        return super().to_internal_value(data)


class StrategySerializer(StrictSerializer):
    """A strategy as its master writes it."""

    name = Text(max_length=80)
    description = Text(max_length=5000, multiline=True, allow_blank=True, required=False)
    exchange_account = Reference(lambda user_id: ExchangeAccount.objects.connected().owned_by(user_id))
    symbols = serializers.ListField(child=Symbol(), allow_empty=False, max_length=MOST_SYMBOLS)
    risk_level = Choice(choices=Strategy.RiskLevel.choices, required=False)
    min_capital = DecimalString(minimum=0, required=False)
    performance_fee_percent = DecimalString(minimum=0, maximum=50, places=2, required=False)
    max_followers = WholeNumber(min_value=1, required=False, allow_null=True)
    tags = serializers.ListField(child=Text(max_length=30), max_length=MOST_TAGS, required=False)
    visibility = Choice(choices=Strategy.Visibility.choices, required=False)
    positions_visible_to = Choice(choices=Strategy.PositionsVisibleTo.choices, required=False)
    status = Choice(choices=Strategy.Status.choices, required=False)


class InviteQuery(QuerySerializer):
    """`invite`: the code with which somebody sees a private strategy before following it."""

    invite = Word(max_length=MOST_CHARACTERS, required=False)


class StrategyFilters(QuerySerializer):
    """`period` says which figures are meant; ratios are fractions."""

    search = Text(max_length=80, required=False)
    exchange = serializers.CharField(max_length=32, required=False)
    market = Choice(choices=["spot"], required=False)
    symbol = Symbol(required=False)
    risk = Choice(choices=Strategy.RiskLevel.choices, required=False)
    tag = Text(max_length=30, required=False)
    period = Choice(choices=Period.choices, required=False)
    min_roi = DecimalString(required=False)
    max_drawdown = DecimalString(minimum=0, required=False)
    status = Choice(choices=[Strategy.Status.PUBLISHED, Strategy.Status.CLOSED], required=False)
    own = Choice(choices=["true"], required=False)
    ordering = Choice(choices=[sign + name for name in ORDERINGS for sign in ("", "-")], required=False)


class StrategyAnswerSerializer(serializers.ModelSerializer[Strategy]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    master = serializers.CharField(source="owner.name", read_only=True)
    own = serializers.SerializerMethodField()
    exchange = serializers.CharField(source="exchange_account.exchange", read_only=True)
    exchange_account = serializers.SerializerMethodField(help_text="Only in one's own.")
    min_capital = DecimalString(read_only=True)
    performance_fee_percent = DecimalString(read_only=True)
    followers = serializers.IntegerField(read_only=True, help_text="Own copies are not counted.")
    created_at = Moment(read_only=True)
    published_at = Moment(read_only=True, allow_null=True)
    closed_at = Moment(read_only=True, allow_null=True)

    class Meta:
        model = Strategy
        fields = [
            "id",
            "slug",
            "name",
            "description",
            "master",
            "own",
            "exchange",
            "exchange_account",
            "symbols",
            "quote",
            "risk_level",
            "min_capital",
            "performance_fee_percent",
            "max_followers",
            "followers",
            "tags",
            "visibility",
            "positions_visible_to",
            "status",
            "created_at",
            "published_at",
            "closed_at",
        ]
        read_only_fields = fields

    def get_own(self, strategy: Strategy) -> bool:
        return bool(strategy.owner_id == self.context["request"].user.pk)

    def get_exchange_account(self, strategy: Strategy) -> str | None:
        return str(strategy.exchange_account.public_id) if self.get_own(strategy) else None


class ListedSerializer(StrategyAnswerSerializer):
    """A strategy with its figures of the period asked for; null: not known."""

    roi = DecimalString(read_only=True, allow_null=True)
    pnl = DecimalString(read_only=True, allow_null=True)
    max_drawdown = DecimalString(read_only=True, allow_null=True)
    sharpe = DecimalString(read_only=True, allow_null=True)
    win_rate = DecimalString(read_only=True, allow_null=True)
    followers_median_roi = DecimalString(read_only=True, allow_null=True)

    class Meta(StrategyAnswerSerializer.Meta):
        fields = [*StrategyAnswerSerializer.Meta.fields, *FIGURES]
        read_only_fields = fields
