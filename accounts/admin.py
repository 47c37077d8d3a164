from __future__ import annotations

from typing import Any, cast

from allauth.account.admin import EmailAddress
from allauth.account.decorators import secure_admin_login
from allauth.mfa.admin import Authenticator
from allauth.usersessions.admin import UserSession
from django.contrib import admin, messages
from django.contrib.auth import admin as _groups  # noqa: F401 - registers what is taken out below
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin

from accounts import consequences, role_requests
from accounts.consequences import Event
from accounts.kyc.admin import KycCaseAdmin
from accounts.models import AccessToken, RoleRequest, User
from accounts.role_requests import DecidedAlready, NotYours
from compliance.audit import Origin

__all__ = ["AccessTokenAdmin", "KycCaseAdmin", "RoleRequestAdmin", "UserAdmin"]

# One log-in page, with its second factor and its limits.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]


# What a role may is a table in the code, and who has it two people decide; an address, a factor and a session
# are their owner's. Forms for them, as packages bring them, would lead a superuser past all of it.
admin.site.unregister([Group, EmailAddress, Authenticator, UserSession])


@admin.register(User)
class UserAdmin(ModelAdmin):  # type: ignore[misc]
    """People. Only the right to log in is changed here."""

    list_display = ["email", "display_name", "kyc_status", "is_staff", "is_active", "created_at"]
    list_filter = ["kyc_status", "is_staff", "is_active", "groups"]
    search_fields = ["email", "display_name", "=public_id"]
    ordering = ["-id"]
    fields = [
        "public_id",
        "email",
        "display_name",
        "kyc_status",
        "groups",
        "is_staff",
        "is_active",
        "last_login",
        "created_at",
    ]
    readonly_fields = [name for name in fields if name != "is_active"]

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not obj.is_active:
            consequences.follow_up(Event.SUSPENSION, user=obj, origin=Origin.of(request), now=timezone.now())

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(RoleRequest)
class RoleRequestAdmin(ModelAdmin):  # type: ignore[misc]
    """Ask for a role to be given or taken; another administrator approves or refuses."""

    list_display = [
        "user",
        "act",
        "role",
        "reason",
        "requested_by",
        "requested_at",
        "decided_by",
        "is_approved",
    ]
    list_filter = ["role", "is_approved"]
    list_select_related = ["user", "requested_by", "decided_by"]
    search_fields = ["user__email"]
    ordering = ["-id"]
    fields = ["user", "act", "role", "reason"]
    autocomplete_fields = ["user"]
    actions = ["approve", "refuse"]

    @admin.action(description=gettext_lazy("Approve"), permissions=["add"])
    def approve(self, request: HttpRequest, queryset: QuerySet[RoleRequest]) -> None:
        self._decide(request, queryset, approve=True)

    @admin.action(description=gettext_lazy("Refuse"), permissions=["add"])
    def refuse(self, request: HttpRequest, queryset: QuerySet[RoleRequest]) -> None:
        self._decide(request, queryset, approve=False)

    def save_model(self, request: HttpRequest, obj: RoleRequest, form: Any, change: bool) -> None:
        obj.requested_by = cast(User, request.user)
        super().save_model(request, obj, form, change)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def _decide(self, request: HttpRequest, queryset: QuerySet[RoleRequest], *, approve: bool) -> None:
        by, origin = cast(User, request.user), Origin.of(request)
        for wanted in queryset:
            try:
                role_requests.decide(
                    request_id=wanted.pk, by=by, approve=approve, origin=origin, now=timezone.now()
                )
            except NotYours:
                message = _("%(what)s: another administrator must approve this.") % {"what": wanted}
                messages.error(request, message)
            except DecidedAlready:
                messages.error(request, _("%(what)s was decided already.") % {"what": wanted})
            else:
                messages.success(request, _("%(what)s is decided.") % {"what": wanted})


@admin.register(AccessToken)
class AccessTokenAdmin(ModelAdmin):  # type: ignore[misc]
    """To look at only; no digest."""

    list_display = ["prefix", "name", "user", "scopes", "created_at", "last_used_at", "revoked_at"]
    list_select_related = ["user"]
    search_fields = ["=prefix", "name", "user__email"]
    ordering = ["-id"]
    exclude = ["digest"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
