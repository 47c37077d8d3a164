"""The pages of notifications."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from rest_framework.exceptions import APIException

from accounts.models import User
from accounts.notifications import channel_api, channels, preferences, services, unsubscribing
from accounts.notifications.channel_serializers import ChannelRequestSerializer
from accounts.notifications.gate import Unreachable
from accounts.notifications.kinds import ALWAYS, BY_CHOICE, STAFF_WORK
from accounts.notifications.models import Notification, NotificationChannel
from accounts.notifications.senders import FIELDS
from accounts.notifications.unsubscribing import LinkInvalid
from compliance.audit import Origin

ON_A_PAGE = 30


@login_required
@require_safe
def notifications_page(request: HttpRequest) -> HttpResponse:
    return _page(request)


@login_required
@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    services.mark_all_read(user_id=_person(request).pk, now=timezone.now())
    return _back()


@login_required
@require_POST
def read_one(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Read, and on to where something can be done about it."""
    own = Notification.objects.owned_by(_person(request).pk)
    notification = get_object_or_404(own, public_id=public_id)
    services.mark_read(notification=notification, now=timezone.now())
    return HttpResponseRedirect(notification.link or reverse("notifications"))


@require_safe
def bell(request: HttpRequest) -> HttpResponse:
    """The bell's number; 204 while it is what is shown, or nobody is signed in."""
    if not request.user.is_authenticated:
        return HttpResponse(status=204)
    unread = Notification.objects.owned_by(_person(request).pk).unread().count()
    if request.GET.get("after") == str(unread):
        return HttpResponse(status=204)
    return render(request, "notifications/_bell.html", {"unread": unread})


@login_required
@require_POST
def save_preferences(request: HttpRequest) -> HttpResponse:
    """What is ticked is told."""
    mail, channel = request.POST.getlist("mail"), request.POST.getlist("channels")
    preferences.replace_preferences(
        user=_person(request),
        mail_off=[kind for kind in BY_CHOICE if kind.value not in mail],
        channels_off=[kind for kind in BY_CHOICE if kind.value not in channel],
    )
    messages.success(request, _("Saved."))
    return _back()


@login_required
@require_POST
def add_channel(request: HttpRequest) -> HttpResponse:
    names = ("kind", "label", *{name for needed, more in FIELDS.values() for name in (*needed, *more)})
    given = {name: request.POST[name].strip() for name in names if request.POST.get(name, "").strip()}
    try:
        wanted = ChannelRequestSerializer(data=given)
        wanted.is_valid(raise_exception=True)
        fields = dict(wanted.validated_data)
        with channel_api.answered_in_codes(fields):
            made = channels.create_channel(
                user=_person(request),
                kind=fields.pop("kind"),
                label=fields.pop("label"),
                fields=fields,
                way=channel_api.way_out(),
                origin=Origin.of(request),
                now=timezone.now(),
            )
    except APIException as refusal:
        messages.error(request, _in_words(refusal.detail))
        return _back()
    messages.success(request, _("%(label)s was added. Send a test now.") % {"label": made.channel.label})
    return _page(request, secret=made.secret) if made.secret else _back()


@login_required
@require_POST
def test_channel(request: HttpRequest, public_id: UUID) -> HttpResponse:
    channel = _own(request, public_id)
    try:
        channel_api.limit_tests(channel.user_id)
        channels.send_test(channel=channel, way=channel_api.way_out(), now=timezone.now())
    except Unreachable as failure:
        messages.error(request, _("The test did not arrive: %(why)s") % {"why": failure})
    except APIException as refusal:
        messages.error(request, _in_words(refusal.detail))
    else:
        messages.success(request, _("The test was taken. Look whether it has arrived."))
    return _back()


@login_required
@require_POST
def switch_channel(request: HttpRequest, public_id: UUID) -> HttpResponse:
    channel = _own(request, public_id)
    status = NotificationChannel.Status
    other = status.DISABLED if channel.status == status.ACTIVE else status.ACTIVE
    channels.change_channel(channel=channel, label=None, status=other, origin=Origin.of(request))
    return _back()


@login_required
@require_POST
def remove_channel(request: HttpRequest, public_id: UUID) -> HttpResponse:
    channels.delete_channel(channel=_own(request, public_id), origin=Origin.of(request))
    messages.success(request, _("The channel is gone."))
    return _back()


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Looking changes nothing, as scanners of mails look; sending does, from a mail program too."""
    # The signature proves what a session would; there is none that another site could misuse.
    try:
        if request.method == "POST":
            unsubscribing.unsubscribe(token)
        context = {
            "kinds": unsubscribing.read_token(token)[1],
            "is_done": unsubscribing.is_unsubscribed(token),
        }
    except LinkInvalid as error:
        raise Http404 from error
    return render(request, "notifications/unsubscribe.html", context)


def _page(request: HttpRequest, *, secret: str = "") -> HttpResponse:
    person = _person(request)
    own = Notification.objects.owned_by(person.pk)
    wishes = preferences.preferences_of(person)
    context = {
        "page": Paginator(own.order_by("-pk"), ON_A_PAGE).get_page(request.GET.get("page")),
        "unread_here": own.unread().count(),
        "choices": [
            (kind, kind.value not in wishes.mail_off, kind.value not in wishes.channels_off)
            for kind in BY_CHOICE
        ],
        "always": sorted(str(kind.label) for kind in (ALWAYS if person.is_staff else ALWAYS - STAFF_WORK)),
        "channels": NotificationChannel.objects.owned_by(person.pk).order_by("pk"),
        "forms": [
            (kind, [*needed], [*possible])
            for kind, (needed, possible) in ((kind, FIELDS[kind]) for kind in NotificationChannel.Kind)
        ],
        "secret": secret,
    }
    response = render(request, "notifications/page.html", context)
    if secret:
        response["Cache-Control"] = "no-store"
    return response


def _in_words(detail: object) -> str:
    """The first sentence of a refusal, with the field that it is about."""
    if isinstance(detail, dict):
        name, first = next(iter(detail.items()))
        return f"{name}: {_in_words(first)}"
    return _in_words(detail[0]) if isinstance(detail, list) else str(detail)


def _own(request: HttpRequest, public_id: UUID) -> NotificationChannel:
    own = NotificationChannel.objects.owned_by(_person(request).pk)
    return get_object_or_404(own, public_id=public_id)


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)


def _back() -> HttpResponse:
    return HttpResponseRedirect(reverse("notifications"))
