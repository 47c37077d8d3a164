"""The audit record."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from records.fields import PublicIdModel


class Action(models.TextChoices):
    """What may be recorded; the names are part of the contract."""

    TOKEN_ISSUE = "token.issue"  # noqa: S105 - a name
    TOKEN_USE = "token.use"  # noqa: S105 - a name
    TOKEN_FAILURE = "token.failure"  # noqa: S105 - a name
    TOKEN_REVOKE = "token.revoke"  # noqa: S105 - a name
    NONCE_USE = "nonce.use"
    NONCE_REFUSED = "nonce.refused"
    LOGIN_SUCCESS = "login.success"
    LOGIN_FAILURE = "login.failure"
    ROLE_CHANGE = "role.change"
    KYC_SUBMIT = "kyc.submit"
    KYC_DECIDE = "kyc.decide"
    KYC_VIEW = "kyc.view"
    EXCHANGE_ACCOUNT_CREATE = "exchange_account.create"
    EXCHANGE_ACCOUNT_CHANGE = "exchange_account.change"
    EXCHANGE_ACCOUNT_DELETE = "exchange_account.delete"
    WITHDRAWAL_ADDRESS_CREATE = "withdrawal_address.create"
    WITHDRAWAL_ADDRESS_CONFIRM = "withdrawal_address.confirm"
    KILL_SWITCH_CHANGE = "kill_switch.change"
    WEBHOOK_CREATE = "webhook.create"
    WEBHOOK_USE = "webhook.use"
    WEBHOOK_FAILURE = "webhook.failure"
    WEBHOOK_REVOKE = "webhook.revoke"
    EXPORT = "export"
    ADMIN_CHANGE = "admin.change"
    CONSENT_GIVE = "consent.give"
    PERSON_ERASE = "person.erase"
    AUDIT_READ = "audit.read"
    AUDIT_PURGE = "audit.purge"


class Outcome(models.TextChoices):
    SUCCESS = "success"
    REFUSED = "refused"


class AuditRecord(PublicIdModel):
    """One act, never changed: who (an id, not a row), what, on what, from where, with what outcome.

    The record of a nonce that passed its check *is* what spends the nonce.
    """

    at = models.DateTimeField(default=timezone.now)
    actor = models.CharField(max_length=64, blank=True)
    # Not `choices`: a further action is no change of the table.
    action = models.CharField(max_length=40)
    object = models.CharField(max_length=200, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=300, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    token_id = models.UUIDField(null=True)
    nonce = models.CharField(max_length=64, blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["token_id", "nonce"],
                condition=Q(action="nonce.use"),
                name="a_nonce_is_spent_once_per_token",
            ),
            models.CheckConstraint(
                condition=~Q(action="nonce.use") | (Q(token_id__isnull=False) & ~Q(nonce="")),
                name="a_spent_nonce_names_its_token",
            ),
        ]
        indexes = [models.Index(F("at").desc(), F("id").desc(), name="audit_newest_first")]

    def __str__(self) -> str:
        return f"{self.action} {self.object}".strip()
