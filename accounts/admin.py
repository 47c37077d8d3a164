from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, cast

from allauth.account.admin import EmailAddress
from allauth.account.decorators import secure_admin_login
from allauth.mfa.admin import Authenticator
from allauth.usersessions.admin import UserSession
from django import forms
from django.contrib import admin, messages
from django.contrib.auth import admin as _groups  # noqa: F401 - registers what is taken out below
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from accounts import consequences, factor_resets, role_requests
from accounts.consequences import Event
from accounts.kyc.admin import KycCaseAdmin
from accounts.models import AccessToken, FactorReset, RoleRequest, SecondPersonRequest, User
from accounts.second_factor import has_second_factor
from accounts.second_person import DecidedAlready, NotYours
from compliance.audit import Origin
from records.look_only import LookOnly

__all__ = ["AccessTokenAdmin", "FactorResetAdmin", "KycCaseAdmin", "RoleRequestAdmin", "UserAdmin"]

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
        "leaving_since",
        "second_factor",
        "last_login",
        "created_at",
    ]
    readonly_fields = [name for name in fields if name != "is_active"]
    actions_detail = ["reset_second_factor"]

    @display(description=gettext_lazy("second factor"), boolean=True)  # type: ignore[untyped-decorator]
    def second_factor(self, user: User) -> bool:
        return has_second_factor(user)

    @action(  # type: ignore[untyped-decorator]
        description=gettext_lazy("Reset second factor"),
        permissions=["reset"],
        url_path="reset-second-factor",
    )
    def reset_second_factor(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To the form that asks another administrator."""
        return HttpResponseRedirect(f"{reverse('admin:accounts_factorreset_add')}?user={object_id}")

    def has_reset_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        # Named in full above, the theme would ask the database for it before there are tables.
        return cast(User, request.user).has_perm("accounts.add_factorreset")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        """Who is leaving comes back by no tick: what they had is being closed."""
        is_leaving = obj is not None and obj.leaving_since is not None
        return [*self.readonly_fields, "is_active"] if is_leaving else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not obj.is_active:
            consequences.follow_up(Event.SUSPENSION, user=obj, origin=Origin.of(request), now=timezone.now())

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class SecondPersonAdmin(ModelAdmin):  # type: ignore[misc]
    """Ask for something; another administrator approves or refuses. A subclass says what `decide` is."""

    list_select_related = ["user", "requested_by", "decided_by"]
    list_filter = ["is_approved"]
    search_fields = ["user__email"]
    ordering = ["-id"]
    autocomplete_fields = ["user"]
    actions = ["approve", "refuse"]
    decide: ClassVar[Callable[..., Any]]

    @admin.action(description=gettext_lazy("Approve"), permissions=["add"])
    def approve(self, request: HttpRequest, queryset: QuerySet[SecondPersonRequest]) -> None:
        self._decide(request, queryset, approve=True)

    @admin.action(description=gettext_lazy("Refuse"), permissions=["add"])
    def refuse(self, request: HttpRequest, queryset: QuerySet[SecondPersonRequest]) -> None:
        self._decide(request, queryset, approve=False)

    def save_model(self, request: HttpRequest, obj: SecondPersonRequest, form: Any, change: bool) -> None:
        obj.requested_by = cast(User, request.user)
        super().save_model(request, obj, form, change)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def _decide(
        self, request: HttpRequest, queryset: QuerySet[SecondPersonRequest], *, approve: bool
    ) -> None:
        by, origin = cast(User, request.user), Origin.of(request)
        for wanted in queryset:
            try:
                self.decide(request_id=wanted.pk, by=by, approve=approve, origin=origin, now=timezone.now())
            except NotYours:
                message = _("%(what)s: another administrator must approve this.") % {"what": wanted}
                messages.error(request, message)
            except DecidedAlready:
                messages.error(request, _("%(what)s was decided already.") % {"what": wanted})
            else:
                messages.success(request, _("%(what)s is decided.") % {"what": wanted})


@admin.register(RoleRequest)
class RoleRequestAdmin(SecondPersonAdmin):
    """A role to be given or taken."""

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
    fields = ["user", "act", "role", "reason"]
    decide = staticmethod(role_requests.decide)


class FactorResetForm(forms.ModelForm):  # type: ignore[type-arg]  # has no arguments when it runs
    def clean_user(self) -> User:
        user: User = self.cleaned_data["user"]
        if not has_second_factor(user):
            raise ValidationError(_("This person has no second factor."))
        return user


@admin.register(FactorReset)
class FactorResetAdmin(SecondPersonAdmin):
    """A lost second factor to be taken away. Whoever asks has made sure who wrote to us."""

    form = FactorResetForm
    list_display = ["user", "reason", "requested_by", "requested_at", "decided_by", "is_approved"]
    fields = ["user", "reason"]
    decide = staticmethod(factor_resets.decide)


@admin.register(AccessToken)
class AccessTokenAdmin(LookOnly):
    """To look at only; no digest."""

    list_display = ["prefix", "name", "user", "scopes", "created_at", "last_used_at", "revoked_at"]
    list_select_related = ["user"]
    search_fields = ["=prefix", "name", "user__email"]
    exclude = ["digest"]
