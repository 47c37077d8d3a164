from __future__ import annotations

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin

from accounts import consequences
from accounts.consequences import Event
from accounts.kyc.admin import KycCaseAdmin
from accounts.models import AccessToken, User
from compliance.audit import Origin

__all__ = ["AccessTokenAdmin", "KycCaseAdmin", "UserAdmin"]

# One log-in page, with its second factor and its limits.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]


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
