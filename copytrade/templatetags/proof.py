"""What somebody is about to do, told where we ask who they are."""

from __future__ import annotations

from collections.abc import Mapping

from django import template
from django.urls import Resolver404, resolve
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

register = template.Library()

ACTS: Mapping[str, str | Promise] = {
    "mfa_activate_totp": _("You are about to connect an authenticator app."),
    "mfa_deactivate_totp": _("You are about to switch off your authenticator app."),
    "mfa_add_webauthn": _("You are about to add a passkey, which opens this account."),
    "mfa_edit_webauthn": _("You are about to rename a passkey."),
    "mfa_remove_webauthn": _("You are about to remove a passkey."),
    "mfa_view_recovery_codes": _("You are about to see your recovery codes."),
    "mfa_download_recovery_codes": _("You are about to download your recovery codes."),
    "mfa_generate_recovery_codes": _("You are about to make new recovery codes."),
    "tokens": _("You are about to create a token that can act for you."),
    "wallet-connect": _("You are about to store a key that can trade."),
    "wallet-rotate": _("You are about to replace a key that can trade."),
    "wallet-addresses": _("You are about to add an address that money can go to."),
}


@register.filter
def act_at(path: str) -> str | Promise:
    """The act that the page at `path` is for; a general sentence where it is not one of ours."""
    try:
        name = resolve(path.partition("?")[0]).url_name or ""
    except Resolver404:
        name = ""
    return ACTS.get(name, _("You are about to do something that counts."))
