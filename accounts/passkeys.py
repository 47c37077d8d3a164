"""The forms of passkeys, in our words: a name that can be seen, and log-in without a password as the rule."""

from __future__ import annotations

import unicodedata

from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rest.fields import INVISIBLE

LONGEST_NAME = 60


def visible(name: str) -> None:
    if any(unicodedata.category(character) in INVISIBLE for character in name):
        raise ValidationError(_("The name has characters that cannot be seen."))


def _name(*, required: bool) -> forms.CharField:
    return forms.CharField(
        label=gettext_lazy("Name"), max_length=LONGEST_NAME, required=required, validators=[visible]
    )


class AddPasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    name = _name(required=False)
    passwordless = forms.BooleanField(
        label=gettext_lazy("Log in with this passkey alone, without the password"),
        required=False,
        initial=True,
        help_text=gettext_lazy(
            "The device then asks for your finger, face or PIN. Untick for a simple security key, "
            "which is asked for after the password."
        ),
    )


class RenamePasskeyForm(EditWebAuthnForm):  # type: ignore[misc]
    name = _name(required=True)
