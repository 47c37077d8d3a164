"""The filters of the page for auditors."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from compliance.models import Action, Outcome

ANY = ("", _("Any"))
MOMENT = forms.DateTimeInput(
    attrs={"type": "datetime-local", "class": "form-control"}, format="%Y-%m-%dT%H:%M"
)
TEXT = forms.TextInput(attrs={"class": "form-control"})
SELECT = forms.Select(attrs={"class": "form-select"})


class AuditSearch(forms.Form):
    """Names are those of the API's filters; moments are in the reader's zone."""

    action = forms.ChoiceField(
        label=_("Action"),
        required=False,
        choices=[ANY, *((name, name) for name in Action.values)],
        widget=SELECT,
    )
    outcome = forms.ChoiceField(
        label=_("Outcome"), required=False, choices=[ANY, *Outcome.choices], widget=SELECT
    )
    actor = forms.CharField(label=_("Actor"), required=False, max_length=64, widget=TEXT)
    object = forms.CharField(label=_("Object"), required=False, max_length=200, widget=TEXT)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        since = forms.DateTimeField(label=_("Since"), required=False, widget=MOMENT)
        before = forms.DateTimeField(label=_("Before"), required=False, widget=MOMENT)
        self.fields = {"from": since, "to": before, **self.fields}

    @property
    def wanted(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if value}
