"""People."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.kyc.models import KycCase, KycDocument, KycStatus, KycStep
from accounts.notifications.models import (
    ChannelDelivery,
    Notification,
    NotificationChannel,
    NotificationSettings,
)
from accounts.roles import Role
from records.fields import PublicIdModel

__all__ = [
    "AccessToken",
    "ChannelDelivery",
    "Consent",
    "FactorReset",
    "KnownDevice",
    "KycCase",
    "KycDocument",
    "KycStatus",
    "KycStep",
    "Notification",
    "NotificationChannel",
    "NotificationSettings",
    "RoleRequest",
    "SecondPersonRequest",
    "User",
]


class UserManager(BaseUserManager["User"]):
    """Django asks for these two names; the command of operators is `create_user` on the shell."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def leaving(self) -> models.QuerySet[User]:
        """Those who asked to be erased and are not yet."""
        return self.filter(leaving_since__isnull=False, erased_at=None)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class User(PublicIdModel, AbstractBaseUser, PermissionsMixin):
    """A person, known by an e-mail address in lower case."""

    KycStatus = KycStatus

    email = models.EmailField(_("e-mail address"), max_length=254)
    display_name = models.CharField(_("display name"), max_length=80, blank=True)
    kyc_status = models.CharField(max_length=16, choices=KycStatus.choices, default=KycStatus.NOT_SUBMITTED)
    time_zone = models.CharField(max_length=64, default="UTC")
    report_currency = models.CharField(max_length=10, default="USDT")
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    # When the dashboard was last on a screen of theirs, to the minute.
    looked_at = models.DateTimeField(null=True, editable=False)
    # Asked to be erased then; what must be closed or kept first is waited for.
    leaving_since = models.DateTimeField(null=True, editable=False)
    erased_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="one_user_per_email"),
            models.CheckConstraint(
                condition=Q(erased_at=None) | Q(leaving_since__isnull=False),
                name="who_is_erased_was_leaving",
            ),
            models.CheckConstraint(
                condition=Q(leaving_since=None) | Q(is_active=False), name="who_is_leaving_is_suspended"
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"],
                condition=Q(leaving_since__isnull=False, erased_at=None),
                name="people_to_erase",
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def name(self) -> str:
        """What others see: the chosen name, or the part of the address before the @."""
        return self.display_name or self.email.partition("@")[0]

    @property
    def roles(self) -> list[str]:
        return sorted(self.groups.values_list("name", flat=True))


class AccessTokenQuerySet(models.QuerySet["AccessToken"]):
    def owned_by(self, user_id: int) -> AccessTokenQuerySet:
        return self.filter(user_id=user_id)

    def expiring(self, *, now: datetime, before: datetime) -> AccessTokenQuerySet:
        """Those in use of whose end nobody was told."""
        return self.filter(
            expiry_told_at=None,
            revoked_at=None,
            expires_at__gt=now,
            expires_at__lte=before,
            user__is_active=True,
        )

    def not_over(self, *, now: datetime) -> AccessTokenQuerySet:
        """Neither revoked nor expired, also of a person who may not log in at present."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)


class AccessToken(PublicIdModel):
    """What a program shows instead of a password. Only a digest of it is kept."""

    class Scope(models.TextChoices):
        READ = "read", _("Read")
        TRADE = "trade", _("Trade")
        WALLETS = "wallets", _("Wallets")
        STRATEGIES = "strategies", _("Strategies")
        KYC = "kyc", _("KYC")

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=10)
    digest = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=16, choices=Scope.choices))
    allowed_ips = ArrayField(models.CharField(max_length=43), default=list, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    # When the person was told that it expires soon.
    expiry_told_at = models.DateTimeField(null=True, editable=False)

    objects = AccessTokenQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(scopes=[]), name="a_token_has_a_scope"),
        ]
        indexes = [
            models.Index(fields=["user", "-id"], name="tokens_of_a_person"),
            models.Index(
                fields=["expires_at"],
                condition=Q(expiry_told_at=None, revoked_at=None),
                name="tokens_to_expire",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.name})"


class SecondPersonRequest(PublicIdModel):
    """One administrator wants something done to a person; another one decides."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", editable=False)
    requested_at = models.DateTimeField(default=timezone.now, editable=False)
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", editable=False
    )
    decided_at = models.DateTimeField(null=True, editable=False)
    is_approved = models.BooleanField(default=False, editable=False)

    class Meta:
        abstract = True


def _approved_by_another() -> Q:
    """By neither who asked for it nor whom it is about."""
    decided = Q(decided_by__isnull=False)
    return Q(is_approved=False) | decided & ~Q(decided_by=F("requested_by")) & ~Q(decided_by=F("user"))


class RoleRequest(SecondPersonRequest):
    """A role is to be given or taken."""

    class Act(models.TextChoices):
        GIVE = "give", _("Give")
        TAKE = "take", _("Take")

    act = models.CharField(max_length=4, choices=Act.choices)
    role = models.CharField(max_length=16, choices=Role.choices)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=_approved_by_another(),
                name="nobody_approves_their_own_role",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_act_display()} {self.role}: {self.user}"


class FactorReset(SecondPersonRequest):
    """A person lost their second factor, and their recovery codes with it."""

    class Meta:
        verbose_name = _("reset of a second factor")
        verbose_name_plural = _("resets of second factors")
        constraints = [
            models.CheckConstraint(
                condition=_approved_by_another(),
                name="nobody_approves_their_own_factor_reset",
            ),
        ]

    def __str__(self) -> str:
        return str(self.user)


class KnownDevice(models.Model):
    """A program from which a person has logged in before; only a digest of what it calls itself."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64)
    first_seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="a_device_is_known_once")]

    def __str__(self) -> str:
        return self.digest[:8]


class Consent(models.Model):
    """A person accepted a version of the terms, or of the disclosure of risks."""

    class Document(models.TextChoices):
        TERMS = "terms", _("Terms of use")
        RISKS = "risks", _("Risks")

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    document = models.CharField(max_length=8, choices=Document.choices)
    version = models.CharField(max_length=10)
    given_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "document", "version"], name="a_version_is_accepted_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document} of {self.version}"
