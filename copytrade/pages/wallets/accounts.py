"""/wallets/accounts/: can it trade safely?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.person import signed_in
from compliance.audit import Origin
from copytrade.account_use import is_in_use
from copytrade.pages.live import answer_poll, render_live, signed_out
from copytrade.pages.wallets import proof
from copytrade.pages.wallets.forms import ConnectForm, KeysForm, PaperForm, RenameForm, all_errors
from copytrade.pages.wallets.words import REFUSALS, refusal, what_to_do
from exchanges.types import Credentials
from wallets import services
from wallets.models import ExchangeAccount

SHOWN = 100
HEALTH = "wallets/_health.html"
HEALTH_EVERY = "60s"
KEPT = ("exchange", "label")


@dataclass(frozen=True, slots=True)
class Row:
    """An account with its health, which is live; the forms beside it are not, so that typing is not lost."""

    account: ExchangeAccount
    health: SafeString


@never_cache
@login_required
@require_GET
def accounts(request: HttpRequest) -> HttpResponse:
    connected = ExchangeAccount.objects.connected().owned_by(signed_in(request).pk).order_by("-pk")[:SHOWN]
    rows = [Row(account, _health(request, account)) for account in connected]
    return render(request, "wallets/accounts.html", {"rows": rows})


def _health(request: HttpRequest, account: ExchangeAccount) -> SafeString:
    return render_live(request, HEALTH, _facts(account), **_poll(account))


@never_cache
@require_GET
def health(request: HttpRequest, public_id: UUID) -> HttpResponse:
    if not request.user.is_authenticated:
        return signed_out(request)
    account = get_object_or_404(
        ExchangeAccount.objects.connected().owned_by(signed_in(request).pk), public_id=public_id
    )
    return answer_poll(request, HEALTH, _facts(account), **_poll(account))


def _facts(account: ExchangeAccount) -> dict[str, Any]:
    return {"account": account, "to_do": what_to_do(account)}


def _poll(account: ExchangeAccount) -> dict[str, str]:
    address = reverse("wallet-health", args=[account.public_id])
    return {"address": address, "every": HEALTH_EVERY, "key": str(account.public_id)}


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def connect(request: HttpRequest) -> HttpResponse:
    """A paper account needs no keys and no proof; keys are checked at the exchange before they are kept."""
    if request.method == "GET":
        before = proof.typed(request)
        return _connect_page(request, live=ConnectForm(initial=before or None), is_back=bool(before))
    if request.POST.get("exchange") == services.PAPER:
        return _open_paper(request)
    if not proof.is_proven(request):
        return proof.ask(request, keep=KEPT)
    form = ConnectForm(request.POST)
    if not form.is_valid():
        return _connect_page(request, live=form)
    given = form.cleaned_data
    try:
        account = services.connect_account(
            owner=signed_in(request),
            exchange=given["exchange"],
            label=given["label"],
            credentials=_credentials(given),
            origin=Origin.of(request),
            now=timezone.now(),
        )
    except REFUSALS as error:
        form.add_error(None, refusal(error))
        return _connect_page(request, live=form)
    messages.success(request, _("%(label)s is connected: the key was checked.") % {"label": account.label})
    return redirect("wallet-accounts")


def _open_paper(request: HttpRequest) -> HttpResponse:
    form = PaperForm(request.POST)
    if not form.is_valid():
        return _connect_page(request, paper=form)
    try:
        account = services.open_paper_account(
            owner=signed_in(request),
            label=form.cleaned_data["label"],
            balance=form.cleaned_data["balance"],
            origin=Origin.of(request),
            now=timezone.now(),
        )
    except REFUSALS as error:
        form.add_error(None, refusal(error))
        return _connect_page(request, paper=form)
    messages.success(request, _("%(label)s is open: play money only.") % {"label": account.label})
    return redirect("wallet-accounts")


def _connect_page(
    request: HttpRequest,
    *,
    live: ConnectForm | None = None,
    paper: PaperForm | None = None,
    is_back: bool = False,
) -> HttpResponse:
    context = {
        "live": live or ConnectForm(),
        "paper": paper or PaperForm(),
        "is_back": is_back,
        "is_proven": proof.is_proven(request),
    }
    wrong = any(form is not None and form.errors for form in (live, paper))
    return render(request, "wallets/connect.html", context, status=422 if wrong else 200)


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def rotate(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """New keys of the same account at the exchange."""
    account = _own(request, public_id)
    if account.is_paper:
        messages.info(request, _("A paper account has no keys to replace."))
        return redirect("wallet-accounts")
    if not proof.is_proven(request):
        return proof.ask(request, keep=())
    form = KeysForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.rotate_keys(
                account=account,
                credentials=_credentials(form.cleaned_data),
                origin=Origin.of(request),
                now=timezone.now(),
            )
        except REFUSALS as error:
            form.add_error(None, refusal(error))
        else:
            messages.success(request, _("The new key works. Delete the old one at the exchange."))
            return redirect("wallet-accounts")
    context = {"account": account, "form": form}
    return render(request, "wallets/rotate.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def validate(request: HttpRequest, public_id: UUID) -> HttpResponse:
    account = services.validate_account(
        account=_own(request, public_id), origin=Origin.of(request), now=timezone.now()
    )
    to_do = what_to_do(account)
    if to_do:
        messages.error(request, to_do)
    else:
        messages.success(request, _("%(label)s can trade and cannot withdraw.") % {"label": account.label})
    return redirect("wallet-accounts")


@login_required
@require_POST
def rename(request: HttpRequest, public_id: UUID) -> HttpResponse:
    account, form = _own(request, public_id), RenameForm(request.POST)
    if form.is_valid():
        label = form.cleaned_data["label"]
        services.rename_account(account=account, label=label, origin=Origin.of(request))
        messages.success(request, _("It is called %(label)s now.") % {"label": label})
    else:
        messages.error(request, all_errors(form))
    return redirect("wallet-accounts")


@login_required
@require_POST
def disconnect(request: HttpRequest, public_id: UUID) -> HttpResponse:
    account = _own(request, public_id)
    try:
        services.disconnect_account(
            account=account, is_in_use=is_in_use, origin=Origin.of(request), now=timezone.now()
        )
    except services.AccountInUse:
        messages.error(
            request,
            _(
                "%(label)s is in use, so it stays: stop the copies that trade on it, and close the "
                "strategies that it feeds. Then disconnect it."
            )
            % {"label": account.label},
        )
    else:
        messages.success(
            request,
            _("%(label)s is disconnected and its key wiped. Delete the key at the exchange too.")
            % {"label": account.label},
        )
    return redirect("wallet-accounts")


def _own(request: HttpRequest, public_id: UUID) -> ExchangeAccount:
    owned = ExchangeAccount.objects.connected().owned_by(signed_in(request).pk)
    return get_object_or_404(owned, public_id=public_id)


def _credentials(given: dict[str, str]) -> Credentials:
    return Credentials(given["api_key"], given["secret"], given.get("password", ""))
