"""What reviewers fill in, and what people say of themselves on the page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django_countries import countries
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.kyc.details import Details
from accounts.kyc.models import KycCase, KycDocument, KycStatus
from accounts.kyc.serializers import DetailsSerializer

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


class DocumentForm(forms.Form):
    """One file; what is wrong with it is found by decoding it."""

    kind = forms.ChoiceField(
        label=_("What is it?"),
        choices=KycDocument.Kind.choices,
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    file = forms.FileField(
        label=_("File"),
        allow_empty_file=True,
        error_messages={"required": _("Choose a file first.")},
        widget=forms.FileInput(
            attrs={"class": "form-control", "accept": "image/jpeg,image/png,application/pdf"}
        ),
    )

    def content(self) -> bytes:
        content: bytes = self.cleaned_data["file"].read()
        return content


def _text(label: Any, **attributes: str) -> forms.CharField:
    return forms.CharField(label=label, widget=forms.TextInput(attrs={"class": "form-control", **attributes}))


class DetailsForm(forms.Form):
    """The questions; the rules are the API's."""

    legal_name = _text(_("Full legal name"), autocomplete="name")
    birth_date = _text(_("Date of birth"), type="date", autocomplete="bday")
    country = forms.ChoiceField(
        label=_("Country of the document"),
        choices=[("", "—"), *countries],
        widget=forms.Select(attrs={"class": "form-select", "autocomplete": "country"}),
    )
    document_number = _text(_("Number of the document"), autocomplete="off", spellcheck="false")
    document_expires_on = _text(_("Valid until"), type="date", autocomplete="off")

    def clean(self) -> dict[str, Any]:
        bound = DetailsSerializer(data={name: self.cleaned_data.get(name, "") for name in self.fields})
        if not bound.is_valid():
            for name in bound.errors.keys() - self.errors.keys():
                self.add_error(name, [str(sentence) for sentence in bound.errors[name]])
        return dict(bound.validated_data)

    def given(self) -> Details:
        return Details(**self.cleaned_data)
