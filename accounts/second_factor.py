"""The second factor: its secrets at rest, and the staff who cannot do without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import segno
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts.models import User
from records import sealing
from rest import codes
from rest.error_form import forbidden

# The library asks without saying whose secret it is: bound to the purpose, not to a row.
OWNER = "second factor"
SECOND_FACTOR_REQUIRED = codes.declare(
    "second_factor_required", "Staff need a second factor: set one up, then go on."
)
STAFF_PATHS = ("/admin/", "/audit/", "/api/v1/audit/", "/operations/")
FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets under the platform's key ring; staff keep their second factor."""

    def build_totp_svg(self, url: str) -> str:
        """To be put into the page itself: neither a style attribute nor an XML head."""
        return str(
            segno.make(url, micro=False).svg_inline(dark="#000", light="#fff", border=2, omitsize=True)
        )

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        return _("Passkey") if number == 1 else _("Passkey %(number)s") % {"number": number}

    def encrypt(self, text: str) -> str:
        return sealing.seal(text.encode(), owner=OWNER)

    def decrypt(self, encrypted_text: str) -> str:
        # Neither a secret nor a seed in the clear has a dot; `rotate_keys` seals what older versions left.
        if "." not in encrypted_text:
            return encrypted_text
        return sealing.unseal(encrypted_text, owner=OWNER).decode()

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Staff may exchange a factor, not give up the last one."""
        if not authenticator.user.is_staff or authenticator.type not in FACTORS:
            return True
        others = Authenticator.objects.filter(user=authenticator.user, type__in=FACTORS)
        return bool(others.exclude(pk=authenticator.pk).exists())


def has_second_factor(user: User) -> bool:
    return bool(Authenticator.objects.filter(user=user, type__in=FACTORS).exists())


class StaffSecondFactorMiddleware:
    """No page of staff opens before there is a second factor: who has none is led to setting it up.

    From then on log-in asks for it; a session that set it up has just proved it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(STAFF_PATHS) and _lacks_factor(request):
            if request.path.startswith("/api/"):
                return forbidden(SECOND_FACTOR_REQUIRED)
            messages.warning(request, _("Staff pages need a second factor. Set one up, then go on."))
            return redirect("mfa_index")
        return self.get_response(request)


def _lacks_factor(request: HttpRequest) -> bool:
    user = request.user
    return isinstance(user, User) and user.is_staff and not has_second_factor(user)


def reseal_all() -> int:
    """Seal every secret under the first key of the ring; the number of those that were not."""
    changed = 0
    kept = [Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES]
    for key in Authenticator.objects.filter(type__in=kept).values_list("pk", flat=True).iterator():
        with transaction.atomic():
            one = Authenticator.objects.select_for_update().filter(pk=key).first()
            if one is None:
                continue
            fresh = dict(_resealed(one.data))
            if fresh != one.data:
                one.data = fresh
                one.save(update_fields=["data"])
                changed += 1
    return changed


def _resealed(data: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in data.items():
        if name in ("secret", "seed"):
            yield name, _fresh(value)
        elif name == "migrated_codes":
            yield name, [_fresh(code) for code in value]
        else:
            yield name, value


def _fresh(text: str) -> str:
    if "." in text and sealing.is_sealed_under_first_key(text):
        return text
    adapter = MfaAdapter()
    return adapter.encrypt(adapter.decrypt(text))
