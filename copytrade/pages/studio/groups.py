"""Groups of a master's clients: who is in which, and one change for all of one, seen before it is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST
from rest_framework import serializers
from rest_framework.exceptions import APIException

from accounts.person import signed_in
from copytrade.pages import sent_once
from copytrade.pages.api_form import ApiForm
from copytrade.pages.changes_shown import Outcome, outcome_of
from copytrade.pages.studio.own import own_strategy
from copytrade.pages.together import TogetherForm
from rest.fields import Text
from strategies.models import Invite, Strategy
from subscriptions import clients
from subscriptions import groups as services
from subscriptions.group_api import ClientChangeSerializer
from subscriptions.models import Subscription
from subscriptions.serializers import changes_of


class GroupForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name of the group"), max_length=80)
    members = forms.MultipleChoiceField(label=gettext_lazy("Clients"), required=False)

    def __init__(self, data: Any, *, clients: Sequence[Subscription], name: str) -> None:
        chosen = [str(row.public_id) for row in clients if name and row.invite and row.invite.group == name]
        super().__init__(data, initial={"name": name, "members": chosen})
        self.clients = {str(client.public_id): client for client in clients}
        self.fields["members"].choices = [(key, key) for key in self.clients]  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        try:
            name: str = Text().run_validation(self.cleaned_data["name"])
        except serializers.ValidationError as refusal:
            raise forms.ValidationError([str(line) for line in refusal.detail]) from None
        return name

    def chosen(self) -> list[Subscription]:
        return [self.clients[key] for key in self.cleaned_data["members"]]

    def rows(self) -> list[tuple[Subscription, bool]]:
        ticked = set(self["members"].value() or [])
        return [(client, key in ticked) for key, client in self.clients.items()]


class GroupChangeForm(TogetherForm):
    """What the API lets a master change of clients: never the money."""

    serializer_class = ClientChangeSerializer
    allocation = None  # type: ignore[assignment]


@login_required
def groups(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    context = {
        "groups": clients.groups_of(user.pk, now=timezone.now()),
        "strategies": Strategy.objects.filter(
            owner_id=user.pk, visibility=Strategy.Visibility.PRIVATE
        ).order_by("name", "pk"),
    }
    return render(request, "studio/groups.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def group(request: HttpRequest, slug: str) -> HttpResponse:
    """Its name and who is in it; without a name in the address, a new one."""
    strategy, name = _named(request, slug)
    sent = request.POST if request.method == "POST" else None
    form = GroupForm(sent, clients=list(clients.clients_of(strategy.pk)), name=name)
    if request.method == "POST" and form.is_valid():
        try:
            clients.form_group(
                strategy=strategy, name=form.cleaned_data["name"], members=form.chosen(), before=name
            )
        except APIException as refusal:
            detail: Any = refusal.detail
            for attr, lines in detail.items():
                form.add_error(attr, [str(line) for line in lines])
        else:
            messages.success(request, _("The group %(name)s is kept.") % {"name": form.cleaned_data["name"]})
            return redirect("studio_groups")
    context = {"strategy": strategy, "name": name, "form": form}
    return render(request, "studio/group.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def delete(request: HttpRequest, slug: str) -> HttpResponse:
    strategy, name = _named(request, slug)
    if not name:
        return redirect("studio_groups")
    clients.dissolve_group(strategy=strategy, name=name)
    messages.success(
        request, _("The group %(name)s is deleted. Its clients copy as before.") % {"name": name}
    )
    return redirect("studio_groups")


@login_required
@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, slug: str) -> HttpResponse:
    """First what the change would make of each copy, then, confirmed, the change itself."""
    strategy, name = _named(request, slug)
    if not name:
        return redirect("studio_groups")
    form = GroupChangeForm(request.POST if request.method == "POST" else None, request=request)
    context: dict[str, Any] = {"strategy": strategy, "name": name, "form": form}
    if request.method == "POST" and form.is_valid():
        if not form.given:
            form.add_error(None, _("Say what is to change."))
        elif "confirm" in request.POST:
            if _changed(request, strategy, name, form):
                return redirect("studio_groups")
        elif "back" not in request.POST:
            context |= {"outcomes": _outcomes(request, strategy, name, form), "form_id": uuid4()}
            return render(request, "studio/group_preview.html", context)
    return render(request, "studio/group_change.html", context, status=422 if form.errors else 200)


def _named(request: HttpRequest, slug: str) -> tuple[Strategy, str]:
    """One's own strategy, and one of its groups or nothing."""
    strategy, name = own_strategy(request, slug), request.GET.get("name", "")
    known = Invite.objects.filter(strategy=strategy, group=name)
    if name and not (name.isprintable() and known.exists()):
        raise Http404
    return strategy, name


def _outcomes(request: HttpRequest, strategy: Strategy, name: str, form: ApiForm) -> list[Outcome]:
    """Those who let the master do it first; of the others nothing is told."""
    status, changes = form.given.get("status"), changes_of(form.given)
    members = services.members_of(strategy.pk, name)
    willing = set(
        services.willing(members, status=status, master=signed_in(request)).values_list("pk", flat=True)
    )
    rows = list(members.select_related("follower", "strategy", "exchange_account").order_by("pk"))
    told = [outcome_of(row, changes, status) for row in rows if row.pk in willing]
    return told + [Outcome(row, [], is_left_out=True) for row in rows if row.pk not in willing]


def _changed(request: HttpRequest, strategy: Strategy, name: str, form: ApiForm) -> bool:
    """Whether that is done with; what was refused stands in the form."""
    user = signed_in(request)
    try:
        form_id = UUID(request.POST.get("form_id", ""))
    except ValueError:
        form.add_error(None, _("Look at what would change, then confirm."))
        return False
    if not sent_once.claim(user_id=user.pk, form_id=form_id):
        messages.info(request, _("This change was made before: it was not made again."))
        return True
    try:
        changed, left_out = services.change_clients(
            strategy=strategy,
            group=name,
            changes=changes_of(form.given),
            status=form.given.get("status"),
            master=user,
            now=timezone.now(),
        )
    except APIException as refusal:
        sent_once.release(user_id=user.pk, form_id=form_id)
        form.refuse(refusal)
        return False
    messages.success(request, _told(sum(changed.values()), left_out))
    return True


def _told(changed: int, left_out: int) -> str:
    text = ngettext("%(n)s copy was changed.", "%(n)s copies were changed.", changed) % {"n": changed}
    if not left_out:
        return text
    others = ngettext(
        "%(n)s client does not let you change it so.", "%(n)s clients do not let you change it so.", left_out
    )
    return f"{text} {others % {'n': left_out}}"
