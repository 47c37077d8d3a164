"""What is known of a person's identity, and what was decided about it."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from records.fields import PublicIdModel


class KycStatus(models.TextChoices):
    NOT_SUBMITTED = "not_submitted", _("Not submitted")
    PENDING = "pending", _("Pending")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")


# Where a status may go. Between the two decisions only a second person's word leads, or an expired document.
TRANSITIONS: dict[str, set[str]] = {
    KycStatus.NOT_SUBMITTED: {KycStatus.PENDING},
    KycStatus.PENDING: {KycStatus.APPROVED, KycStatus.REJECTED},
    KycStatus.APPROVED: {KycStatus.REJECTED},
    KycStatus.REJECTED: {KycStatus.PENDING, KycStatus.APPROVED},
}
DECISIONS = (KycStatus.APPROVED, KycStatus.REJECTED)


class KycCaseQuerySet(models.QuerySet["KycCase"]):
    def listed(self) -> KycCaseQuerySet:
        """Those with a hit on the sanctions list that nobody cleared."""
        return self.exclude(listed_as__contained_by=models.F("cleared_names"))

    def waiting(self) -> KycCaseQuerySet:
        """The work of reviewers, who waits longest first: sent, or approved and now on the sanctions list."""
        return self.filter(
            Q(user__kyc_status=KycStatus.PENDING)
            | Q(user__kyc_status=KycStatus.APPROVED) & ~Q(listed_as__contained_by=models.F("cleared_names"))
        ).order_by("submitted_at", "pk")

    def expired(self, today: date) -> KycCaseQuerySet:
        return self.filter(user__kyc_status=KycStatus.APPROVED, valid_until__lt=today)


class KycCase(PublicIdModel):
    """One person's identity check. The status itself is the person's `kyc_status`, which is the gate."""

    class Risk(models.TextChoices):
        LOW = "low", _("Low")
        NORMAL = "normal", _("Normal")
        HIGH = "high", _("High")

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="kyc_case")
    sealed_details = models.TextField(blank=True, editable=False)
    submitted_at = models.DateTimeField(null=True)
    uploads = models.PositiveIntegerField(default=0)
    risk = models.CharField(max_length=8, choices=Risk.choices, default=Risk.NORMAL)
    reason = models.CharField(max_length=500, blank=True)
    decided_at = models.DateTimeField(null=True)
    is_told = models.BooleanField(default=True)
    valid_until = models.DateField(null=True)
    proposed_status = models.CharField(max_length=16, choices=KycStatus.choices, blank=True)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    listed_as = ArrayField(models.CharField(max_length=200), default=list)
    cleared_names = ArrayField(models.CharField(max_length=200), default=list)
    screened_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = KycCaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("KYC case")
        verbose_name_plural = _("KYC")
        permissions = [("review_kyccase", "Can review identity checks")]
        constraints = [
            models.CheckConstraint(
                condition=Q(proposed_status="", proposed_by=None)
                | Q(proposed_status__in=DECISIONS, proposed_by__isnull=False),
                name="a_proposed_decision_names_who_proposed_it",
            ),
            models.CheckConstraint(
                condition=~Q(proposed_by=models.F("user")), name="nobody_proposes_their_own_approval"
            ),
            models.CheckConstraint(
                condition=Q(decided_at=None) | ~Q(reason=""), name="a_decision_has_a_reason"
            ),
        ]
        indexes = [
            models.Index(fields=["valid_until"], name="kyc_by_expiry"),
            models.Index(fields=["id"], condition=Q(is_told=False), name="kyc_decisions_to_tell"),
        ]

    def __str__(self) -> str:
        return self.user.email

    @property
    def open_hits(self) -> list[str]:
        """Listed names that nobody has cleared."""
        return [name for name in self.listed_as if name not in self.cleared_names]


class KycDocumentQuerySet(models.QuerySet["KycDocument"]):
    def current(self) -> KycDocumentQuerySet:
        return self.filter(replaced_at=None)

    def owned_by(self, user_id: int) -> KycDocumentQuerySet:
        return self.filter(case__user_id=user_id)


class KycDocument(PublicIdModel):
    """One file, as it was decoded and written anew. A file that was replaced before a decision is removed."""

    class Kind(models.TextChoices):
        PASSPORT = "passport", _("Passport")
        ID_CARD = "id_card", _("Identity card")
        DRIVING_LICENCE = "driving_licence", _("Driving licence")
        PROOF_OF_ADDRESS = "proof_of_address", _("Proof of address")
        SELFIE = "selfie", _("Photo of your face")

    class Scan(models.TextChoices):
        NOT_SCANNED = "not_scanned", _("Not scanned")
        CLEAN = "clean", _("Clean")
        INFECTED = "infected", _("Infected")

    case = models.ForeignKey(KycCase, on_delete=models.PROTECT, related_name="documents")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    stored_as = models.CharField(max_length=100, blank=True, editable=False)
    media_type = models.CharField(max_length=20)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    scan = models.CharField(max_length=12, choices=Scan.choices, default=Scan.NOT_SCANNED)
    uploaded_at = models.DateTimeField()
    replaced_at = models.DateTimeField(null=True)

    objects = KycDocumentQuerySet.as_manager()

    class Meta:
        verbose_name = _("KYC document")
        constraints = [
            models.UniqueConstraint(
                fields=["case", "kind"], condition=Q(replaced_at=None), name="one_current_document_per_kind"
            ),
            models.CheckConstraint(
                condition=Q(replaced_at__isnull=False) | ~Q(stored_as=""),
                name="a_current_document_has_its_file",
            ),
            models.UniqueConstraint(
                fields=["stored_as"], condition=~Q(stored_as=""), name="a_stored_file_is_one_documents"
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"],
                condition=Q(scan="not_scanned", replaced_at=None),
                name="kyc_documents_to_scan",
            )
        ]

    def __str__(self) -> str:
        return self.get_kind_display()


def _permitted() -> Q:
    """A pair of statuses that the table has; equal ones are a note."""
    allowed = Q(from_status=models.F("to_status"))
    for source, targets in TRANSITIONS.items():
        allowed |= Q(from_status=source, to_status__in=sorted(targets))
    return allowed


class KycStep(models.Model):
    """One row of a case's history, never changed: a transition, a proposal, or a note (statuses equal)."""

    class Act(models.TextChoices):
        SUBMIT = "submit", _("Sent")
        DECIDE = "decide", _("Decided")
        PROPOSE = "propose", _("Proposed")
        EXPIRE = "expire", _("Expired")
        NOTE = "note", _("Note")
        RISK = "risk", _("Risk")
        CLEAR = "clear", _("Name cleared")

    case = models.ForeignKey(KycCase, on_delete=models.PROTECT, related_name="steps")
    act = models.CharField(max_length=8, choices=Act.choices)
    from_status = models.CharField(max_length=16, choices=KycStatus.choices)
    to_status = models.CharField(max_length=16, choices=KycStatus.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    text = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=_permitted(), name="a_status_moves_as_the_table_says"),
        ]
        indexes = [models.Index(fields=["case", "id"], name="steps_of_a_case")]

    def __str__(self) -> str:
        return f"{self.get_act_display()} {self.at:%Y-%m-%d %H:%M}"
