"""/strategies/SLUG/follow/: how much, on which account, within which limits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from itertools import chain, count
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from rest_framework.exceptions import APIException

from accounts.consents import Document, give_consent
from accounts.models import User
from accounts.person import signed_in
from compliance.audit import Origin
from copytrade.pages.copy_quality import followers_of
from copytrade.pages.follow_form import MODES, NEW_PAPER, PAPER_MONEY, FollowForm
from copytrade.pages.follow_opening import cost_of_opening
from copytrade.pages.follow_preview import ShownPreview, fee_example, preview_for
from copytrade.pages.follow_steps import STEPS, Step, address_of, answers, carried, first_wrong
from copytrade.pages.holdings import holdings_of
from copytrade.pages.invited import note_invite
from copytrade.pages.sent_once import claim, release
from copytrade.pages.strategy import visible_strategy
from copytrade.templatetags.ui import quantity
from exchanges.rounding import plain
from ledger.models import Position
from risk.services import limits_of
from strategies.models import Strategy, StrategySymbol
from subscriptions import following
from subscriptions.models import Subscription
from wallets.models import ExchangeAccount
from wallets.services import CannotConnect, open_paper_account

FIELD_OF = {"exchange_account": "account", "allocation": "allocation", "invite": "invite"}


@dataclass(frozen=True, slots=True)
class AccountChoice:
    """An account as the form offers it; `obstacle` says why it cannot be taken."""

    account: ExchangeAccount
    obstacle: str


@login_required
@require_http_methods(["GET", "POST"])
def follow_page(request: HttpRequest, slug: str, number: int = 1) -> HttpResponse:
    invite = note_invite(request, now=timezone.now())
    strategy = visible_strategy(request, slug)
    step = STEPS[number - 1]
    if request.method == "POST" and request.GET.get("to") == "back":
        return HttpResponseRedirect(address_of(STEPS[number - 2], slug, request.POST))
    user = signed_in(request)
    choices = _choices(user, strategy)
    free = [choice.account for choice in choices if not choice.obstacle]
    wants_preview = "preview" in request.POST
    answered = answers(request.POST or request.GET)
    form = FollowForm(
        request.POST if request.method == "POST" else None,
        strategy=strategy,
        accounts=free,
        initial=_suggestion(strategy, free) | answers(request.GET) | {"invite": invite},
        for_preview=wants_preview,
    )
    form.initial.setdefault("allocation", plain(_suggested_allocation(form)))
    shown = ShownPreview(
        example=fee_example(strategy, user, allocation=_usual_allocation(strategy), result=Decimal(0))
    )
    if wants_preview:
        shown = preview_for(form, strategy=strategy, follower=user, now=timezone.now())
        if request.headers.get("HX-Request"):
            context = {"strategy": strategy, "shown": shown}
            return render(request, "pages/_follow_preview.html", context, status=422 if form.errors else 200)
    elif request.method == "POST" and not first_wrong(form, until=step):
        if step is not STEPS[-1]:
            return HttpResponseRedirect(address_of(STEPS[number], slug, request.POST))
        if not form.errors and _start_once(request, strategy, form):
            return HttpResponseRedirect(reverse("dashboard"))
    wrong = first_wrong(form, until=step)
    is_wrong = bool(wrong or form.non_field_errors())
    context = {"strategy": strategy, "form": form, "shown": shown, "wrong": is_wrong}
    at = wrong or step
    context |= _questions(strategy, form, choices) | _where(form, at, slug, answered)
    if at is STEPS[-1]:
        context |= _before_signing(user, strategy)
    return render(request, "pages/follow.html", context, status=422 if is_wrong or shown.errors else 200)


def _where(form: FollowForm, step: Step, slug: str, answered: dict[str, str]) -> dict[str, Any]:
    """Which step it is, and what the others have answered."""
    account = form.accounts.get(str(form["account"].value()))
    return {
        "step": step,
        "steps": STEPS,
        "address": address_of(step, slug),
        "carried": carried(form, beside=step, answered=answered),
        "account_label": account.label if account else _("New paper account"),
        "is_real": account is not None and not account.is_paper,
        "allocation": _allocation(form),
        "free": form.free(str(form["account"].value())),
        "sizing": _sizing(form),
    }


def _allocation(form: FollowForm) -> str:
    """As a person writes it; what is no amount stays as it was typed."""
    typed = form["allocation"].value()
    try:
        return quantity(form.fields["allocation"].clean(typed))
    except ValidationError:
        return str(typed)


def _before_signing(user: User, strategy: Strategy) -> dict[str, Any]:
    """What else stands beside the agreement: how others fare, and whether a day's loss ends it."""
    limits = limits_of(user)
    return {
        "followers": followers_of([strategy.pk])[strategy.pk],
        "loss_limit": limits.max_daily_loss,
        "limit_currency": limits.currency,
    }


def _sizing(form: FollowForm) -> str:
    mode = str(form["sizing_mode"].value())
    word = next((str(title) for value, title, _detail in MODES if value == mode), "")
    return f"{word} × {form['sizing_value'].value()}"


def _questions(strategy: Strategy, form: FollowForm, choices: list[AccountChoice]) -> dict[str, Any]:
    """What the page shows around the answers."""
    is_shown = strategy.positions_visible_to == Strategy.PositionsVisibleTo.EVERYONE
    held = Position.objects.of_master(strategy.pk)
    holds = holdings_of(held, exchange=strategy.exchange_account.exchange) if is_shown else []
    return {
        "choices": choices,
        "modes": MODES,
        "paper_money": PAPER_MONEY,
        "new_paper": NEW_PAPER,
        "chosen": form["account"].value(),
        "holds": holds,
        "can_open": bool(holds) or not is_shown,
        "opening": cost_of_opening(strategy, holds, form, now=timezone.now()) if holds else None,
    }


def _choices(user: User, strategy: Strategy) -> list[AccountChoice]:
    accounts = list(ExchangeAccount.objects.owned_by(user.pk).connected().order_by("label", "id"))
    feeding = _account_ids(StrategySymbol.objects.filter(exchange_account__in=accounts))
    following = _account_ids(
        Subscription.objects.following(strategy.pk).filter(exchange_account__in=accounts)
    )
    kyc_missing = settings.KYC_REQUIRED and user.kyc_status != User.KycStatus.APPROVED
    return [
        AccountChoice(
            account,
            _obstacle(
                account,
                feeds=account.pk in feeding,
                follows=account.pk in following,
                kyc_missing=kyc_missing,
            ),
        )
        for account in accounts
    ]


def _account_ids(rows: QuerySet[StrategySymbol] | QuerySet[Subscription]) -> set[int]:
    return set(rows.values_list("exchange_account_id", flat=True))


def _suggestion(strategy: Strategy, accounts: list[ExchangeAccount]) -> dict[str, Any]:
    first = accounts[0] if accounts else None
    return {
        "account": str(first.public_id) if first else NEW_PAPER,
        "sizing_mode": Subscription.SizingMode.PROPORTIONAL,
        "sizing_value": "1",
        "max_slippage_bps": "30",
        "on_master_lost": Subscription.OnMasterLost.HOLD,
    }


def _usual_allocation(strategy: Strategy) -> Decimal:
    usual: Decimal = max(strategy.min_capital, Decimal(1000))
    return usual


def _suggested_allocation(form: FollowForm) -> Decimal:
    """Whole coins, and no more than the account has where that is enough."""
    usual, free = _usual_allocation(form.strategy), form.free(str(form["account"].value()))
    enough = free is not None and free >= max(form.strategy.min_capital, Decimal(1))
    return min(usual, free.to_integral_value(ROUND_DOWN)) if free is not None and enough else usual


def _obstacle(account: ExchangeAccount, *, feeds: bool, follows: bool, kyc_missing: bool) -> str:
    """Told before the form is sent; the service checks the same again under its locks."""
    if feeds:
        return _("It feeds a strategy; such an account cannot follow.")
    if account.status == ExchangeAccount.Status.INVALID:
        return _("The exchange refuses its key.")
    if not account.is_paper and kyc_missing:
        return _("Real money needs an approved identity check; paper money does not.")
    if follows:
        return _("It follows this strategy already.")
    return ""


def _start_once(request: HttpRequest, strategy: Strategy, form: FollowForm) -> bool:
    """Whether this form has started its copy, now or before: a second press starts no second one."""
    once = {"user_id": signed_in(request).pk, "form_id": form.cleaned_data["form_id"]}
    if not claim(**once):
        messages.info(request, _("This form had been sent already: nothing was started twice."))
        return True
    started = False
    try:
        started = _start(request, strategy, form)
    finally:
        if not started:
            release(**once)
    if started:
        origin = Origin.of(request)
        give_consent(user=signed_in(request), documents=Document, origin=origin, now=timezone.now())
        messages.success(request, _("You follow %(name)s from its next trade on.") % {"name": strategy.name})
    return started


def _start(request: HttpRequest, strategy: Strategy, form: FollowForm) -> bool:
    """Open the paper account if asked for, then follow; what is refused stands beside its field."""
    follower = signed_in(request)
    now = timezone.now()
    try:
        account = form.chosen_account() or _new_paper_account(request, follower, now)
        following.follow(
            follower=follower,
            strategy=strategy,
            exchange_account=account,
            allocation=form.cleaned_data["allocation"],
            terms=form.terms(),
            now=now,
            origin=Origin.of(request),
            invite_code=form.cleaned_data["invite"],
        )
    except CannotConnect:
        form.add_error("account", _("The paper exchange does not answer now. Nothing was opened; try again."))
    except APIException as refusal:
        _show(form, refusal)
    return form.is_valid()


def _show(form: FollowForm, refusal: APIException) -> None:
    """Put what the service refused beside the field that it named."""
    detail = refusal.detail
    if not isinstance(detail, dict):
        form.add_error(None, [str(line) for line in detail] if isinstance(detail, list) else str(detail))
        return
    for attr, lines in detail.items():
        form.add_error(FIELD_OF.get(str(attr)), [str(line) for line in lines])


def _new_paper_account(request: HttpRequest, owner: User, now: datetime) -> ExchangeAccount:
    return open_paper_account(
        owner=owner, label=_paper_label(owner), balance=PAPER_MONEY, origin=Origin.of(request), now=now
    )


def _paper_label(owner: User) -> str:
    """`Paper money`, then `Paper money 2`: the first that none of the person's accounts has."""
    taken = set(ExchangeAccount.objects.owned_by(owner.pk).values_list("label", flat=True))
    name = _("Paper money")
    return next(label for label in chain([name], (f"{name} {n}" for n in count(2))) if label not in taken)
