"""The page of one's API tokens."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from allauth.account.decorators import reauthentication_required
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import token_store
from accounts.models import AccessToken, User
from accounts.person import signed_in
from accounts.serializers import TokenRequestSerializer
from accounts.token_store import Issued
from compliance.audit import Origin

LIFETIMES = [(30, gettext_lazy("30 days")), (90, gettext_lazy("90 days")), (365, gettext_lazy("one year"))]
SHOWN = 200


class TokenForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("What it may do"),
        choices=AccessToken.Scope.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    expires_in_days = forms.TypedChoiceField(
        label=gettext_lazy("Works for"), choices=LIFETIMES, coerce=int, initial=90
    )
    allowed_ips = forms.CharField(
        label=gettext_lazy("Only from these addresses"),
        required=False,
        help_text=gettext_lazy("Such as 203.0.113.7 or 203.0.113.0/24, with commas; empty: anywhere."),
    )

    def clean(self) -> dict[str, object]:
        """The rules are those of the API."""
        given = {name: value for name, value in self.cleaned_data.items() if name != "allowed_ips"}
        given["allowed_ips"] = [
            part.strip() for part in self.cleaned_data.get("allowed_ips", "").split(",") if part.strip()
        ]
        serializer = TokenRequestSerializer(data=given)
        if not self.errors and not serializer.is_valid():
            for field in serializer.errors:
                self.add_error(field, _("This is not valid."))
            return self.cleaned_data
        return given


@never_cache
@login_required
@reauthentication_required(allow_get=True)  # type: ignore[untyped-decorator]
def tokens_page(request: HttpRequest) -> HttpResponse:
    """List them; a POST makes one, whose text is in this answer and never again."""
    user = signed_in(request)
    form = TokenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        wanted = form.cleaned_data
        issued = token_store.issue_token(
            user=user,
            name=wanted["name"],
            scopes=wanted["scopes"],
            expires_at=timezone.now() + timedelta(days=wanted["expires_in_days"]),
            allowed_ips=wanted["allowed_ips"],
            origin=Origin.of(request),
        )
        return _shown(request, user, TokenForm(), issued)
    return _shown(request, user, form, None)


@login_required
@require_POST
def revoke(request: HttpRequest, public_id: UUID) -> HttpResponse:
    user = signed_in(request)
    token = AccessToken.objects.owned_by(user.pk).filter(public_id=public_id).first()
    if token is None:
        raise Http404
    token_store.revoke_token(user=user, token=token, origin=Origin.of(request), now=timezone.now())
    messages.success(request, _("%(name)s does not work any more.") % {"name": token.name})
    return redirect("tokens")


@login_required
@require_POST
def revoke_all(request: HttpRequest) -> HttpResponse:
    token_store.revoke_all(user=signed_in(request), origin=Origin.of(request), now=timezone.now())
    messages.success(request, _("None of your tokens works any more."))
    return redirect("tokens")


def _shown(request: HttpRequest, user: User, form: TokenForm, issued: Issued | None) -> HttpResponse:
    tokens = AccessToken.objects.owned_by(user.pk).filter(revoked_at=None).order_by("-pk")[:SHOWN]
    status = 422 if form.errors else 200
    context = {"form": form, "issued": issued, "tokens": tokens, "now": timezone.now()}
    return render(request, "account/tokens.html", context, status=status)
