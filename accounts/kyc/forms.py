"""What reviewers fill in, and what people say of themselves on the page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.kyc.models import KycCase, KycStatus

LONGEST = 500


class DecisionForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("The applicant reads it."),
    )
    valid_until = forms.DateField(
        label=_("Valid until"),
        required=False,
        widget=UnfoldAdminSingleDateWidget(attrs={"type": "date"}),
        help_text=_("When an approved document expires, a new one is asked for. Empty: never."),
    )
    decision = forms.ChoiceField(choices=[(KycStatus.APPROVED, ""), (KycStatus.REJECTED, "")])


class NoteForm(forms.Form):
    text = forms.CharField(
        label=_("Note"),
        max_length=LONGEST,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=_("For colleagues; the applicant never reads it."),
    )


class RiskForm(forms.Form):
    risk = forms.ChoiceField(
        label=_("Risk"),
        choices=KycCase.Risk.choices,
        widget=UnfoldAdminSelectWidget(),
        help_text=_("An approval with high risk needs a second person."),
    )


class ClearForm(forms.Form):
    name = forms.CharField(max_length=200, widget=forms.HiddenInput())
    reason = forms.CharField(
        label=_("How you know that it is somebody else"),
        max_length=LONGEST,
        widget=UnfoldAdminTextInputWidget(),
    )


def problems(form: forms.Form) -> list[str]:
    """Each error with the field it belongs to, for a message."""
    errors: dict[str, Any] = form.errors
    return [f"{form[name].label}: {sentence}" for name, sentences in errors.items() for sentence in sentences]
