"""What people are told about, and what of it cannot be switched off."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class NotificationKind(TextChoices):
    SUBSCRIPTION_STARTED = "subscription_started", _("Copying started")
    SUBSCRIPTION_PAUSED = "subscription_paused", _("Copying paused")
    SUBSCRIPTION_RESUMED = "subscription_resumed", _("Copying resumed")
    SUBSCRIPTION_CHANGED = "subscription_changed", _("Copies changed")
    SUBSCRIPTION_CLOSED = "subscription_closed", _("Copying ended")
    STOP_REACHED = "stop_reached", _("Stop-loss or take-profit reached")
    COINS_GONE = "coins_gone", _("Coins of a copy are gone")
    COPIES_REFUSED = "copies_refused", _("Copies denied or rejected")
    MASTER_LOST = "master_lost", _("Nothing is heard from a master")
    MASTER_BACK = "master_back", _("A master is back")
    MASTER_MOVED_COINS = "master_moved_coins", _("A master moved coins")
    MASTER_COINS_BACK = "master_coins_back", _("A master's coins are back")
    TRADE_REVERSED = "trade_reversed", _("Trades taken back")
    PERFORMANCE_FEE = "performance_fee", _("Performance fee bills")
    CHANNEL_DISABLED = "channel_disabled", _("A channel was switched off")
    KEY_INVALID = "key_invalid", _("An exchange key stopped working")
    WITHDRAWAL_ADDRESS = "withdrawal_address", _("Withdrawal addresses")
    KILL_SWITCH = "kill_switch", _("Kill switch")
    KYC_DECIDED = "kyc_decided", _("Identity check")
    ROLE_CHANGED = "role_changed", _("Your roles")
    PASSWORD_CHANGED = "password_changed", _("Your password")
    FACTOR_CHANGED = "factor_changed", _("A second factor added or removed")
    FACTOR_RESET = "factor_reset", _("Your second factor reset by staff")
    TOKEN_CREATED = "token_created", _("A new API token")
    TOKEN_EXPIRES = "token_expires", _("An API token expires")
    NEW_DEVICE = "new_device", _("Log-in from a new device")
    AUDIT_HEAD = "audit_head", _("Head of the audit record")
    SANCTIONS_HIT = "sanctions_hit", _("People on the sanctions list")


# What staff are told for their work here.
STAFF_WORK = frozenset({NotificationKind.AUDIT_HEAD, NotificationKind.SANCTIONS_HIT})

# Told at once and alone, and never switched off: beside work it is about who may act for the person.
ALWAYS = STAFF_WORK | frozenset(
    {
        NotificationKind.KEY_INVALID,
        NotificationKind.WITHDRAWAL_ADDRESS,
        NotificationKind.KILL_SWITCH,
        NotificationKind.KYC_DECIDED,
        NotificationKind.ROLE_CHANGED,
        NotificationKind.PASSWORD_CHANGED,
        NotificationKind.FACTOR_CHANGED,
        NotificationKind.FACTOR_RESET,
        NotificationKind.TOKEN_CREATED,
        NotificationKind.NEW_DEVICE,
    }
)
BY_CHOICE = tuple(kind for kind in NotificationKind if kind not in ALWAYS)
