"""/wallets/addresses/: where may money go?"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import segno
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.person import signed_in
from compliance.audit import Origin
from copytrade.pages.wallets import proof
from copytrade.pages.wallets.forms import AddressForm
from wallets import addresses as services
from wallets.address_words import REFUSALS, wrong
from wallets.models import WalletAddress
from wallets.network_names import MEMO_NAMES, WITHOUT_CHECKSUM

SHOWN = 200
KEPT = ("direction", "exchange", "network", "address", "memo", "label")


@dataclass(frozen=True, slots=True)
class Row:
    """An address as it is read and compared: in fours."""

    entry: WalletAddress
    fours: list[str]
    memo_name: str
    has_checksum: bool
    is_usable: bool
    qr: SafeString


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def addresses(request: HttpRequest) -> HttpResponse:
    """List them; a POST adds one, and for withdrawals asks first who is there."""
    if request.method == "GET":
        before = proof.typed(request)
        return _shown(request, AddressForm(initial=before or None), is_back=bool(before))
    form = AddressForm(request.POST)
    if not form.is_valid():
        return _shown(request, form)
    is_withdrawal = form.cleaned_data["direction"] == WalletAddress.Direction.WITHDRAWAL
    if is_withdrawal and not proof.is_proven(request):
        return proof.ask(request, keep=KEPT)
    return _added(request, form)


def _added(request: HttpRequest, form: AddressForm) -> HttpResponse:
    given = form.cleaned_data
    try:
        added = services.add_address(
            owner=signed_in(request), origin=Origin.of(request), now=timezone.now(), **given
        )
    except REFUSALS as error:
        told = wrong(error, given["network"])
        form.add_error(told.field, told.sentence)
        return _shown(request, form)
    except services.AlreadyAdded:
        form.add_error("address", _("You have this address already."))
        return _shown(request, form)
    except services.TooManyAddresses:
        form.add_error(None, _("You have as many addresses as one may: remove one first."))
        return _shown(request, form)
    if added.is_for_withdrawals:
        messages.success(request, _("Added. We sent you a code by e-mail: confirm the address with it."))
    else:
        messages.success(request, _("%(label)s was added.") % {"label": added.label})
    return redirect("wallet-addresses")


@login_required
@require_POST
def confirm(request: HttpRequest, public_id: UUID) -> HttpResponse:
    code = "".join(request.POST.get("code", "").split())[:20]
    try:
        services.confirm_address(
            address=_own(request, public_id), code=code, origin=Origin.of(request), now=timezone.now()
        )
    except services.WrongCode:
        messages.error(request, _("This is not the code of the last mail. The address is not confirmed."))
    except services.CodeExpired:
        messages.error(request, _("The code is too old or was tried too often. Ask for a new one."))
    except services.NothingToConfirm:
        messages.info(request, _("This address needs no confirmation."))
    else:
        messages.success(request, _("Confirmed. The list tells from when on it can be used."))
    return redirect("wallet-addresses")


@login_required
@require_POST
def send_code(request: HttpRequest, public_id: UUID) -> HttpResponse:
    try:
        services.send_new_code(address=_own(request, public_id), now=timezone.now())
    except services.TooManyCodes:
        messages.error(request, _("Enough codes were sent. Delete the address and add it again."))
    except services.NothingToConfirm:
        messages.info(request, _("This address needs no confirmation."))
    else:
        messages.success(request, _("A new code is on its way; the one before does not work any more."))
    return redirect("wallet-addresses")


@login_required
@require_POST
def remove(request: HttpRequest, public_id: UUID) -> HttpResponse:
    address = _own(request, public_id)
    services.remove_address(address=address, origin=Origin.of(request))
    messages.success(request, _("%(label)s was deleted.") % {"label": address.label})
    return redirect("wallet-addresses")


def _own(request: HttpRequest, public_id: UUID) -> WalletAddress:
    return get_object_or_404(WalletAddress.objects.owned_by(signed_in(request).pk), public_id=public_id)


def _shown(request: HttpRequest, form: AddressForm, *, is_back: bool = False) -> HttpResponse:
    entries = WalletAddress.objects.owned_by(signed_in(request).pk).order_by("-pk")[:SHOWN]
    now = timezone.now()
    rows = [
        Row(
            entry=entry,
            fours=[entry.address[i : i + 4] for i in range(0, len(entry.address), 4)],
            memo_name=MEMO_NAMES.get(entry.network, _("Memo")),
            has_checksum=entry.network not in WITHOUT_CHECKSUM,
            is_usable=entry.status == WalletAddress.Status.ACTIVE and entry.usable_from <= now,
            qr=_qr(entry.address),
        )
        for entry in entries
    ]
    context = {"rows": rows, "form": form, "is_back": is_back}
    return render(request, "wallets/addresses.html", context, status=422 if form.errors else 200)


def _qr(address: str) -> SafeString:
    """Of attributes only, as the pages' policy wants it; always dark on light, or no camera reads it."""
    drawn = segno.make(address, micro=False).svg_inline(dark="#000", light="#fff", border=2, omitsize=True)
    # The address went into the squares, not into the text.
    return mark_safe(drawn)  # nosec B308 B703 # noqa: S308 - segno's own drawing
