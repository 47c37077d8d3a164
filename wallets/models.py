"""Accounts at exchanges, and addresses that coins go to."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from exchanges.types import Account
from records.fields import MoneyField, PublicIdModel
from wallets import vault
from wallets.network_names import NETWORK_NAMES


class ExchangeAccountQuerySet(models.QuerySet["ExchangeAccount"]):
    def connected(self) -> ExchangeAccountQuerySet:
        return self.filter(disconnected_at=None)

    def owned_by(self, user_id: int) -> ExchangeAccountQuerySet:
        return self.filter(owner_id=user_id)

    def due_for_a_check(self, *, now: datetime) -> ExchangeAccountQuerySet:
        return self.connected().filter(check_due_at__lte=now)


class ExchangeAccount(PublicIdModel):
    """One account at one venue, reached with its owner's keys. Disconnected, it stays without keys."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        INVALID = "invalid", _("Invalid")
        UNREACHABLE = "unreachable", _("Unreachable")

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    exchange = models.CharField(max_length=32, help_text="A ccxt id, or `paper`.")
    label = models.CharField(max_length=80)
    key_hint = models.CharField(max_length=8, blank=True)
    sealed_credentials = models.TextField(blank=True)
    venue_account_id = models.CharField(max_length=80)
    mode = models.JSONField(default=dict)
    permissions = models.JSONField(default=list)
    can_withdraw = models.BooleanField(default=False)
    proxy_url = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.ACTIVE)
    status_reason = models.CharField(max_length=300, blank=True)
    validated_at = models.DateTimeField(null=True)
    # When the venue is asked again what the key may do and what the account is worth.
    check_due_at = models.DateTimeField(db_default=Now())
    quote = models.CharField(max_length=16, default="USDT")
    equity = MoneyField(null=True)
    free_quote = MoneyField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    disconnected_at = models.DateTimeField(null=True)

    objects = ExchangeAccountQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["exchange", "venue_account_id"],
                condition=Q(disconnected_at=None),
                name="a_venue_account_is_connected_once",
            ),
            models.CheckConstraint(
                condition=Q(disconnected_at=None) | Q(sealed_credentials=""),
                name="a_disconnected_account_keeps_no_keys",
            ),
            models.CheckConstraint(condition=Q(can_withdraw=False), name="no_key_may_withdraw"),
        ]
        indexes = [
            models.Index(
                fields=["check_due_at"], condition=Q(disconnected_at=None), name="accounts_due_for_a_check"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} ({self.exchange})"

    @property
    def is_paper(self) -> bool:
        return self.exchange == "paper"

    def open(self) -> Account:
        """What a call at the venue needs, keys decrypted. Only the process that calls asks for it."""
        return Account(
            exchange=self.exchange,
            credentials=vault.unseal(self.sealed_credentials, owner=str(self.public_id)),
            mode=self.mode,
            proxy_url=self.proxy_url,
        )


class WalletAddressQuerySet(models.QuerySet["WalletAddress"]):
    def owned_by(self, user_id: int) -> WalletAddressQuerySet:
        return self.filter(owner_id=user_id)


class WalletAddress(PublicIdModel):
    """Where coins may go, as its network writes it; only the label ever changes."""

    class Direction(models.TextChoices):
        DEPOSIT = "deposit", _("Deposit at the exchange")
        WITHDRAWAL = "withdrawal", _("Withdrawal from the exchange")

    class Status(models.TextChoices):
        PENDING = "pending", _("To be confirmed")
        ACTIVE = "active", _("Active")

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    exchange = models.CharField(max_length=32)
    # Not `choices`: a further network is no change of the table.
    network = models.CharField(max_length=16)
    address = models.CharField(max_length=160)
    memo = models.CharField(max_length=256, blank=True)
    label = models.CharField(max_length=80)
    direction = models.CharField(max_length=10, choices=Direction.choices)
    status = models.CharField(max_length=8, choices=Status.choices)
    usable_from = models.DateTimeField()
    code_digest = models.CharField(max_length=64, blank=True)
    code_sent_at = models.DateTimeField(null=True)
    codes_sent = models.PositiveSmallIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = WalletAddressQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "network", "address", "memo", "direction"], name="an_address_is_added_once"
            ),
            models.CheckConstraint(
                condition=Q(direction="withdrawal") | Q(status="active"),
                name="only_withdrawals_are_confirmed",
            ),
            models.CheckConstraint(
                condition=Q(status="active") | ~Q(code_digest=""), name="a_pending_address_has_a_code"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} ({self.network})"

    @property
    def is_for_withdrawals(self) -> bool:
        return self.direction == self.Direction.WITHDRAWAL

    @property
    def network_name(self) -> str:
        return NETWORK_NAMES[self.network]
