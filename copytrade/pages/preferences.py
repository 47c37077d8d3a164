"""/settings/preferences/: in which time zone and currency are things told?"""

from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from accounts import services
from accounts.person import signed_in
from accounts.serializers import REPORT_CURRENCIES, PreferencesSerializer
from copytrade.pages.api_form import ApiForm


class PreferencesForm(ApiForm):
    serializer_class = PreferencesSerializer

    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        help_text=_("Times are shown in it, and your day begins at its midnight."),
        choices=[(name, name.replace("_", " ")) for name in sorted(zoneinfo.available_timezones())],
    )
    report_currency = forms.ChoiceField(
        label=_("Report currency"),
        help_text=_("Statements also tell their sums in it."),
        choices=[(name, name) for name in REPORT_CURRENCIES],
    )

    def body(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


@login_required
@require_http_methods(["GET", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    initial = {"time_zone": user.time_zone, "report_currency": user.report_currency}
    form = PreferencesForm(request.POST or None, request=request, initial=initial)
    if request.method == "POST" and form.is_valid():
        services.change_preferences(user=user, **form.given)
        messages.success(request, _("Saved."))
        return redirect("preferences")
    status = 422 if form.errors else 200
    return render(request, "account/preferences.html", {"form": form}, status=status)
