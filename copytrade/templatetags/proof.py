"""What somebody is about to do, told where we ask who they are."""

from __future__ import annotations

from collections.abc import Mapping

from django import template
from django.urls import Resolver404, resolve
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

register = template.Library()

ACTS: Mapping[str, str | Promise] = {
    "mfa_activate_totp": _("you are about to connect an authenticator app."),
    "mfa_deactivate_totp": _("you are about to switch off your authenticator app."),
    "mfa_add_webauthn": _("you are about to add a passkey, which opens this account."),
    "mfa_edit_webauthn": _("you are about to rename a passkey."),
    "mfa_remove_webauthn": _("you are about to remove a passkey."),
    "mfa_view_recovery_codes": _("you are about to see your recovery codes."),
    "mfa_download_recovery_codes": _("you are about to download your recovery codes."),
    "mfa_generate_recovery_codes": _("you are about to make new recovery codes."),
    "tokens": _("you are about to create a token that can act for you."),
    "wallet-connect": _("you are about to store a key that can trade."),
    "wallet-rotate": _("you are about to replace a key that can trade."),
    "wallet-addresses": _("you are about to add an address that money can go to."),
}


@register.filter
def act_at(path: str) -> str | Promise:
    """The act that the page at `path` is for; a general sentence where it is not one of ours."""
    try:
        name = resolve(path.partition("?")[0]).url_name or ""
    except Resolver404:
        name = ""
    return ACTS.get(name, _("you are about to do something that counts."))
