"""Invitations to strategies that are not for everybody."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from records.fields import PublicIdModel


class InviteState(models.TextChoices):
    OPEN = "open", _("Open")
    USED = "used", _("Used")
    EXPIRED = "expired", _("Expired")
    REVOKED = "revoked", _("Revoked")


class InviteQuerySet(models.QuerySet["Invite"]):
    def open_at(self, now: datetime) -> InviteQuerySet:
        """Those that still let somebody in."""
        return self.filter(used_at=None, revoked_at=None, expires_at__gt=now)


class Invite(PublicIdModel):
    """A code that lets one person follow a private strategy once. Only a digest of the code is kept."""

    strategy = models.ForeignKey("strategies.Strategy", on_delete=models.CASCADE, related_name="+")
    prefix = models.CharField(max_length=10, help_text="The code's first characters, to recognise it.")
    digest = models.CharField(max_length=64, unique=True)
    group = models.CharField(max_length=80, blank=True, help_text="For the master's own order only.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = InviteQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")), name="an_invite_ends_after_it_was_made"
            ),
            models.CheckConstraint(
                condition=Q(used_at=None) | Q(revoked_at=None), name="a_used_invite_is_not_revoked"
            ),
        ]
        indexes = [models.Index(fields=["strategy", "-id"], name="invites_of_a_strategy")]

    def __str__(self) -> str:
        return f"{self.prefix}…"

    def state_at(self, now: datetime) -> InviteState:
        if self.used_at:
            return InviteState.USED
        if self.revoked_at:
            return InviteState.REVOKED
        return InviteState.OPEN if now < self.expires_at else InviteState.EXPIRED
