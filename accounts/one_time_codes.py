"""Codes of authenticator apps: a step early or late is taken, and none twice."""

from __future__ import annotations

from typing import Any

from allauth.mfa import app_settings
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from django.core.cache import cache


def is_right(authenticator: Authenticator, code: str) -> bool:
    """Whether the code is good now; it is used up with that."""
    right = bool(authenticator.wrap().validate_code(code))
    if right:
        keep_refused(authenticator, code)
    return right


def keep_refused(authenticator: Authenticator, code: str) -> None:
    """The library refuses a used code for one step; it would be taken for as many as are tolerated."""
    if authenticator.type == Authenticator.Type.TOTP:
        steps = 2 * app_settings.TOTP_TOLERANCE + 1
        # Of the library's own mark, whose being set first is what decides between two at once.
        cache.touch(authenticator.wrap()._get_used_cache_key(code), timeout=steps * app_settings.TOTP_PERIOD)


class _UsedUp:
    authenticator: Authenticator

    def clean_code(self) -> Any:
        code = super().clean_code()  # type: ignore[misc]
        keep_refused(self.authenticator, code)
        return code


class ActivateCodeForm(ActivateTOTPForm):  # type: ignore[misc]
    """The code that sets an app up is used up with that: it does not log anybody in afterwards."""

    def clean_code(self) -> Any:
        code = super().clean_code()
        coming = Authenticator(user=self.user, type=Authenticator.Type.TOTP)
        coming.wrap()._mark_code_used(code)
        keep_refused(coming, code)
        return code


class LogInCodeForm(_UsedUp, AuthenticateForm):  # type: ignore[misc]
    """After the password."""


class ConfirmCodeForm(_UsedUp, ReauthenticateForm):  # type: ignore[misc]
    """Before a sensitive act."""
