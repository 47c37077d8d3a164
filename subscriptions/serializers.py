"""What the API of subscriptions takes and gives."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from exchanges import markets
from rest.errors import invalid
from rest.fields import DecimalString, Flag, Moment, Reference, WholeNumber, Word
from rest.serializers import QuerySerializer, StrictSerializer
from strategies.invites import services as invites
from strategies.invites.services import MOST_CHARACTERS
from strategies.models import Strategy
from strategies.serializers import MOST_SYMBOLS, Choice, Symbol
from subscriptions.following import Terms, missing_symbols
from subscriptions.models import History, Subscription
from subscriptions.seeing import nameable, readable
from wallets.models import ExchangeAccount

MOST_BPS = 10_000
PAUSE_OR_RESUME = [
    (status.value, status.value) for status in (Subscription.Status.PAUSED, Subscription.Status.ACTIVE)
]
# Taken as they are given.
CHOICES = (
    "max_slippage_bps",
    "stop_loss_percent",
    "take_profit_percent",
    "symbols_blocked",
    "on_unsubscribe",
    "on_master_lost",
    "master_may_change",
)


class SizingSerializer(StrictSerializer):
    """`value`: a factor, or with `fixed_notional` the quote for each of the master's orders."""

    mode = Choice(choices=Subscription.SizingMode.choices)
    value = DecimalString(above=0)


def joinable(user_id: int) -> QuerySet[Strategy]:
    """Whatever one can see; whether it can be followed is told in the answer."""
    return readable(user_id).select_related("owner", "exchange_account")


class JoinableStrategy(Reference):
    """A strategy that one can see, or that the body's invite is for, whatever became of the invite.

    None with an invite for something else: whether the strategy exists is not told.
    """

    def __init__(self) -> None:
        super().__init__(joinable)

    def to_internal_value(self, data: Any) -> Any:
        try:
            return super().to_internal_value(data)
        except serializers.ValidationError:
            code = self.root.initial_data.get("invite")
            if not isinstance(code, str) or not code:
                raise
            invite = invites.find(code)
            is_for_it = invite and str(invite.strategy.public_id) == str(data).lower()
            return invite.strategy if invite and is_for_it else None


class SubscriptionChangeSerializer(StrictSerializer):
    allocation = DecimalString(above=0, required=False)
    sizing = SizingSerializer(required=False)
    max_slippage_bps = WholeNumber(max_value=MOST_BPS, required=False, allow_null=True)
    symbols_blocked = serializers.ListField(child=Symbol(), max_length=MOST_SYMBOLS, required=False)
    on_unsubscribe = Choice(choices=Subscription.OnUnsubscribe.choices, required=False)
    stop_loss_percent = DecimalString(above=0, maximum=100, places=2, required=False, allow_null=True)
    take_profit_percent = DecimalString(above=0, maximum=10_000, places=2, required=False, allow_null=True)
    on_master_lost = Choice(choices=Subscription.OnMasterLost.choices, required=False)
    master_may_change = Flag(
        required=False,
        help_text="The master who invited you may pause it, resume what they paused, and change its sizing "
        "and limits, together with your group; never the allocation.",
    )
    status = Choice(choices=PAUSE_OR_RESUME, required=False)


class SubscriptionSerializer(SubscriptionChangeSerializer):
    strategy = JoinableStrategy()
    exchange_account = Reference(lambda user_id: ExchangeAccount.objects.connected().owned_by(user_id))
    allocation = DecimalString(above=0, required=False, allow_null=True)
    sizing = SizingSerializer()
    copy_open_positions = Flag(
        required=False,
        help_text="Open what the master holds already, in your proportion and at today's prices.",
    )
    invite = Word(
        max_length=MOST_CHARACTERS,
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text="Of a private one.",
    )
    status = None  # type: ignore[assignment]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["strategy"] is None:
            raise invalid(invites.INVITE_INVALID, attr="invite")
        return attrs


def terms_of(given: dict[str, Any]) -> Terms:
    sizing = given["sizing"]
    chosen = {name: given[name] for name in (*CHOICES, "copy_open_positions") if name in given}
    return Terms(sizing_mode=sizing["mode"], sizing_value=sizing["value"], **chosen)


def changes_of(given: dict[str, Any]) -> dict[str, Any]:
    """The columns that a PATCH sets; its status is an act of its own."""
    changes = {name: given[name] for name in ("allocation", *CHOICES) if name in given}
    if "sizing" in given:
        changes |= {"sizing_mode": given["sizing"]["mode"], "sizing_value": given["sizing"]["value"]}
    return changes


class SubscriptionFilters(QuerySerializer):
    strategy = Reference(nameable, required=False)
    status = Choice(choices=Subscription.Status.choices, required=False)


class PositionsQuery(QuerySerializer):
    positions = Choice(choices=Subscription.OnUnsubscribe.choices, required=False)


class SubscriptionAnswerSerializer(serializers.ModelSerializer[Subscription]):
    """Context, by subscription id: `worth`, what it is worth now (equity and pnl may be unknown), and
    `fees_uncounted`, how many fees that leaves out.
    """

    id = serializers.UUIDField(source="public_id", read_only=True)
    strategy = serializers.UUIDField(source="strategy.public_id", read_only=True)
    exchange_account = serializers.UUIDField(source="exchange_account.public_id", read_only=True)
    quote = serializers.CharField(source="strategy.quote", read_only=True)
    allocation = DecimalString(read_only=True)
    available = DecimalString(read_only=True)
    high_water_mark = DecimalString(read_only=True, help_text="The equity above which a fee falls due.")
    performance_fee_percent = DecimalString(source="agreed_fee_percent", read_only=True)
    equity = serializers.SerializerMethodField()
    pnl = serializers.SerializerMethodField()
    fees_uncounted = serializers.SerializerMethodField(
        help_text="Fees in coins without a price: not in `equity` and `pnl`."
    )
    sizing = serializers.SerializerMethodField()
    stop_loss_percent = DecimalString(read_only=True, allow_null=True)
    take_profit_percent = DecimalString(read_only=True, allow_null=True)
    stopped_at = Moment(read_only=True, allow_null=True)
    missing_symbols = serializers.SerializerMethodField(help_text="null: the venue's list is not known now.")
    created_at = Moment(read_only=True)
    closed_at = Moment(read_only=True, allow_null=True)

    class Meta:
        model = Subscription
        fields = [
            "id",
            "strategy",
            "exchange_account",
            "status",
            "quote",
            "allocation",
            "available",
            "high_water_mark",
            "performance_fee_percent",
            "equity",
            "pnl",
            "fees_uncounted",
            "own",
            "sizing",
            "max_slippage_bps",
            "stop_loss_percent",
            "take_profit_percent",
            "stopped_at",
            "symbols_blocked",
            "on_unsubscribe",
            "on_master_lost",
            "master_may_change",
            "missing_symbols",
            "created_at",
            "closed_at",
        ]
        read_only_fields = fields

    def get_equity(self, subscription: Subscription) -> str | None:
        return _text(self.context["worth"][subscription.pk].equity)

    def get_pnl(self, subscription: Subscription) -> str | None:
        return _text(self.context["worth"][subscription.pk].pnl)

    def get_fees_uncounted(self, subscription: Subscription) -> int:
        count: int = self.context["fees_uncounted"][subscription.pk]
        return count

    def get_sizing(self, subscription: Subscription) -> dict[str, str]:
        return {"mode": subscription.sizing_mode, "value": str(_text(subscription.sizing_value))}

    def get_missing_symbols(self, subscription: Subscription) -> list[str] | None:
        master, own = subscription.strategy.exchange_account.exchange, subscription.exchange_account.exchange
        # An answer does not wait for a venue.
        if own != master and markets.rules_now(own) is None:
            return None
        return missing_symbols(subscription.strategy, subscription.exchange_account)


class HistorySerializer(serializers.ModelSerializer[History]):
    """How the copy stood from `at` on."""

    at = Moment(read_only=True)
    by = serializers.CharField(
        source="by_whom", read_only=True, help_text="`follower`, `master` or `platform`."
    )
    allocation_before = DecimalString(read_only=True, allow_null=True)
    allocation = DecimalString(read_only=True)

    class Meta:
        model = History
        fields = ["at", "act", "by", "reason", "allocation_before", "allocation"]
        read_only_fields = fields


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else DecimalString().to_representation(amount)
