"""A strategy from draft to published to closed."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from rest_framework.exceptions import APIException

from accounts.person import signed_in
from copytrade.pages.studio.offer_form import OfferForm
from copytrade.pages.studio.own import own_strategy
from strategies.models import Strategy
from strategies.services import Offer
from subscriptions import masters
from subscriptions.models import Subscription


@login_required
@require_http_methods(["GET", "POST"])
def new_strategy(request: HttpRequest) -> HttpResponse:
    """A draft: nobody sees it before it is published."""
    form = OfferForm(request.POST or None, request=request)
    if request.method == "POST" and form.is_valid():
        given = dict(form.given)
        account = given.pop("exchange_account")
        try:
            strategy = masters.create_strategy(
                owner=signed_in(request),
                exchange_account=account,
                offer=Offer(**given),
                status=Strategy.Status.DRAFT,
                now=timezone.now(),
            )
        except APIException as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The draft is kept. Publish it when it is right."))
            return redirect("studio_strategy", strategy.slug)
    return render(request, "studio/new.html", {"form": form}, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def edit_strategy(request: HttpRequest, slug: str) -> HttpResponse:
    strategy = own_strategy(request, slug)
    is_closed = strategy.status == Strategy.Status.CLOSED
    form = None if is_closed else OfferForm(request.POST or None, request=request, strategy=strategy)
    if form and request.method == "POST" and form.is_valid():
        try:
            masters.change_strategy(strategy=strategy, changes=form.given, status=None, now=timezone.now())
        except APIException as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("studio_strategy", slug)
    context = {"strategy": strategy, "form": form, "followers": _followers(strategy)}
    return render(request, "studio/strategy.html", context, status=422 if form and form.errors else 200)


@login_required
@require_POST
def publish(request: HttpRequest, slug: str) -> HttpResponse:
    done = _("%(name)s is published: its trades are watched from now on, and it can be followed.")
    return _act(request, slug, lambda s: masters.publish_strategy(strategy=s, now=timezone.now()), done)


@login_required
@require_http_methods(["GET", "POST"])
def close(request: HttpRequest, slug: str) -> HttpResponse:
    """Say what closing means, then do it."""
    strategy = own_strategy(request, slug)
    if request.method == "GET":
        return render(request, "studio/close.html", {"strategy": strategy, "followers": _followers(strategy)})
    done = _("%(name)s is closed: nothing is bought any more, exits are still copied.")
    return _act(request, slug, lambda s: masters.close_strategy(strategy=s, now=timezone.now()), done)


@login_required
@require_POST
def delete(request: HttpRequest, slug: str) -> HttpResponse:
    strategy = own_strategy(request, slug)
    try:
        masters.delete_strategy(strategy=strategy)
    except APIException as refusal:
        messages.error(request, str(refusal.detail))
        return redirect("studio_strategy", slug)
    messages.success(request, _("The draft is gone."))
    return redirect("studio")


def _act(request: HttpRequest, slug: str, act: Callable[[Strategy], object], done: str) -> HttpResponse:
    strategy = own_strategy(request, slug)
    try:
        act(strategy)
    except APIException as refusal:
        messages.error(request, _sentence(refusal))
    else:
        messages.success(request, done % {"name": strategy.name})
    return redirect("studio_strategy", slug)


def _sentence(refusal: APIException) -> str:
    detail = refusal.detail
    if isinstance(detail, dict):
        return " ".join(str(line) for lines in detail.values() for line in lines)
    return " ".join(map(str, detail)) if isinstance(detail, list) else str(detail)


def _followers(strategy: Strategy) -> int:
    return Subscription.objects.following(strategy.pk).filter(own=False).count()
