"""The audit record, and the chain that shows whether it was changed."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Cast
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
    SECOND_FACTOR_RESET = "second_factor.reset"
    SECOND_FACTOR_ADD = "second_factor.add"
    SECOND_FACTOR_REMOVE = "second_factor.remove"
    PASSWORD_CHANGE = "password.change"  # noqa: S105 - a name
    SESSION_END = "session.end"
    KYC_SUBMIT = "kyc.submit"
    KYC_DECIDE = "kyc.decide"
    KYC_VIEW = "kyc.view"
    EXCHANGE_ACCOUNT_CREATE = "exchange_account.create"
    EXCHANGE_ACCOUNT_CHANGE = "exchange_account.change"
    EXCHANGE_ACCOUNT_DELETE = "exchange_account.delete"
    WITHDRAWAL_ADDRESS_CREATE = "withdrawal_address.create"
    WITHDRAWAL_ADDRESS_CONFIRM = "withdrawal_address.confirm"
    WITHDRAWAL_ADDRESS_DELETE = "withdrawal_address.delete"
    KILL_SWITCH_CHANGE = "kill_switch.change"
    WEBHOOK_CREATE = "webhook.create"
    WEBHOOK_USE = "webhook.use"
    WEBHOOK_FAILURE = "webhook.failure"
    WEBHOOK_REVOKE = "webhook.revoke"
    INVITE_CREATE = "invite.create"
    INVITE_REVOKE = "invite.revoke"
    BILL_PAY = "bill.pay"
    BILL_WAIVE = "bill.waive"
    CHANNEL_CREATE = "notification_channel.create"
    CHANNEL_CHANGE = "notification_channel.change"
    CHANNEL_DELETE = "notification_channel.delete"
    EXPORT = "export"
    ADMIN_CHANGE = "admin.change"
    CONSENT_GIVE = "consent.give"
    TRADE_REVERSE = "trade.reverse"
    PERSON_ERASE = "person.erase"
    AUDIT_READ = "audit.read"
    AUDIT_PURGE = "audit.purge"


# What people are shown of their own record: who may act for them, and how.
SECURITY = (
    Action.LOGIN_SUCCESS,
    Action.LOGIN_FAILURE,
    Action.SESSION_END,
    Action.PASSWORD_CHANGE,
    Action.SECOND_FACTOR_ADD,
    Action.SECOND_FACTOR_REMOVE,
    Action.SECOND_FACTOR_RESET,
    Action.TOKEN_ISSUE,
    Action.TOKEN_REVOKE,
    Action.TOKEN_FAILURE,
    Action.ROLE_CHANGE,
    Action.EXCHANGE_ACCOUNT_CREATE,
    Action.EXCHANGE_ACCOUNT_CHANGE,
    Action.EXCHANGE_ACCOUNT_DELETE,
    Action.WITHDRAWAL_ADDRESS_CREATE,
    Action.WITHDRAWAL_ADDRESS_CONFIRM,
    Action.WITHDRAWAL_ADDRESS_DELETE,
    Action.KILL_SWITCH_CHANGE,
    Action.WEBHOOK_CREATE,
    Action.WEBHOOK_REVOKE,
    Action.CHANNEL_CREATE,
    Action.CHANNEL_CHANGE,
    Action.CHANNEL_DELETE,
    Action.EXPORT,
)


class Outcome(models.TextChoices):
    SUCCESS = "success"
    REFUSED = "refused"


def _number(transaction: str) -> Cast:
    """A transaction's number, which never wraps round."""
    return Cast(Cast(Func(template=transaction), models.TextField()), models.BigIntegerField())


THIS_TRANSACTION = _number("pg_current_xact_id()")
# All transactions below have ended; none from here on has begun.
ALL_ENDED_BELOW = _number("pg_snapshot_xmin(pg_current_snapshot())")
NONE_BEGUN_FROM = _number("pg_snapshot_xmax(pg_current_snapshot())")


class AuditRecordQuerySet(models.QuerySet["AuditRecord"]):
    def not_sealed(self, head: AuditHead) -> AuditRecordQuerySet:
        """What was written after the last sealed record, whether its transaction has ended or not."""
        later = Q(xid__gt=head.xid) | Q(id__gt=head.record_id)
        return self.filter(later, xid__gte=head.xid, id__gt=head.restored_until)

    def from_another_server(self, head: AuditHead) -> AuditRecordQuerySet:
        """What came with a restored backup: no transaction of this server has such a number yet."""
        return self.filter(xid__gte=NONE_BEGUN_FROM, id__gt=head.restored_until)

    def kept_nonces(self) -> AuditRecordQuerySet:
        """Nonces of living tokens whose records are gone: all that is left of those."""
        return self.filter(action=Action.NONCE_USE, object="")

    def security_events(self, person: str, *, tokens: Iterable[str]) -> AuditRecordQuerySet:
        """What the person did, and what anybody did or tried about the person and these tokens of theirs."""
        concerned = Q(actor=person) | Q(object__in=[person, *tokens])
        return self.filter(concerned, action__in=SECURITY)

    def about(self, names: list[str]) -> AuditRecordQuerySet:
        """What these persons did, and what strangers tried in their name."""
        return self.filter(Q(actor__in=names) | Q(actor="", object__in=names))


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
    # Null after the person was erased.
    user_agent = models.CharField(max_length=300, blank=True, null=True)  # noqa: DJ001
    request_id = models.CharField(max_length=64, blank=True)
    token_id = models.UUIDField(null=True)
    nonce = models.CharField(max_length=64, blank=True)
    detail = models.JSONField(default=dict)
    xid = models.BigIntegerField(db_default=THIS_TRANSACTION, editable=False)

    objects = AuditRecordQuerySet.as_manager()

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
        indexes = [
            models.Index(F("at").desc(), F("id").desc(), name="audit_newest_first"),
            models.Index(fields=["xid", "id"], name="audit_in_order_of_sealing"),
            models.Index(
                fields=["actor", "-at"], condition=Q(action__in=SECURITY), name="security_events_by_a_person"
            ),
            models.Index(
                fields=["object", "-at"],
                condition=Q(action__in=SECURITY),
                name="security_events_about_a_person",
            ),
            models.Index(
                fields=["token_id"], condition=Q(action="nonce.use", object=""), name="audit_kept_nonces"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object}".strip()


class AuditLinkQuerySet(models.QuerySet["AuditLink"]):
    def between(self, first: int, last: int) -> AuditLinkQuerySet:
        return self.filter(sequence__gte=first, sequence__lte=last)


class AuditLink(models.Model):
    """A record's place in the chain. `personal` stands there for address and program, which may be erased."""

    sequence = models.BigIntegerField(primary_key=True)
    # No constraint in the database: it would let nobody find a record that was removed by force.
    record = models.OneToOneField(
        AuditRecord, on_delete=models.DO_NOTHING, db_constraint=False, related_name="link"
    )
    salt = models.BinaryField(null=True)
    personal = models.BinaryField()
    previous_hash = models.BinaryField()
    hash = models.BinaryField()

    objects = AuditLinkQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.sequence)


class AuditHeadQuerySet(models.QuerySet["AuditHead"]):
    def locked(self) -> AuditHead:
        """The head, for this transaction alone: nothing is sealed meanwhile."""
        self.bulk_create([AuditHead()], ignore_conflicts=True)
        return self.select_for_update().get()

    def locked_if_free(self) -> AuditHead | None:
        """The head, or None while another process has it."""
        head = self.select_for_update(skip_locked=True).first()
        if head is None and not self.exists():
            return self.locked()
        return head

    def now(self) -> AuditHead:
        """The head; of an empty chain where nothing is sealed yet."""
        return self.first() or AuditHead()


class AuditHead(models.Model):
    """The end of the chain, signed, and how far the sealing came. There is one row."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    sequence = models.BigIntegerField(default=0)
    hash = models.BinaryField(default=bytes(32))
    signature = models.BinaryField(default=b"")
    at = models.DateTimeField(default=timezone.now)
    xid = models.BigIntegerField(default=0)
    record_id = models.BigIntegerField(default=0)
    restored_until = models.BigIntegerField(default=0)

    objects = AuditHeadQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="there_is_one_audit_head")]

    def __str__(self) -> str:
        return f"{self.sequence} {bytes(self.hash).hex()}"


class AuditCheckpointQuerySet(models.QuerySet["AuditCheckpoint"]):
    def latest_one(self) -> AuditCheckpoint | None:
        return self.order_by("-sequence").first()


class AuditCheckpoint(models.Model):
    """Up to here records were removed at the end of their time; the chain goes on from this hash."""

    sequence = models.BigIntegerField(primary_key=True)
    hash = models.BinaryField()
    signature = models.BinaryField()
    at = models.DateTimeField()

    objects = AuditCheckpointQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.sequence)


def unsealed() -> int:
    """How many records wait for their place in the chain."""
    return AuditRecord.objects.not_sealed(AuditHead.objects.now()).count()
