"""Further ways to be told: chats and programs of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import person
from accounts.notifications import channels
from accounts.notifications.channel_serializers import (
    ChannelChangeSerializer,
    ChannelRequestSerializer,
    ChannelSerializer,
    DeliveredSerializer,
    MadeChannelSerializer,
)
from accounts.notifications.gate import AddressRefused, Gate, Unreachable
from accounts.notifications.models import NotificationChannel
from accounts.notifications.senders import FieldWrong
from compliance.audit import Origin
from rest import codes
from rest.errors import TryLater, invalid
from rest.serializers import NoFieldsSerializer
from rest.throttles import PerCaller, seconds_to_wait
from rest.views import ApiView

ADDRESS_NOT_PUBLIC = codes.declare(
    "address_not_public", "We send only to https addresses of the public internet."
)
CHANNEL_FAILED = codes.declare("channel_failed", "The channel did not take the message.")
TESTS_PER_MINUTE = 6
RETRY_SECONDS = 10
# How addresses are reached that people give.
way_out = Gate

EXAMPLES = [
    OpenApiExample(
        "A webhook",
        value={"kind": "webhook", "label": "My bot", "url": "https://bot.example.org/hooks/copytrade"},
        request_only=True,
    ),
    OpenApiExample(
        "Telegram",
        value={
            "kind": "telegram",
            "label": "My phone",
            "bot_token": "123456:AAEhBP0av28rKmG8pLcNqRs4tUvWxYz12345",
            "chat_id": "987654321",
        },
        request_only=True,
    ),
]


class ChannelsView(ApiView):
    write_scope = "trade"
    serializer_class = ChannelSerializer

    @extend_schema(
        summary="List your notification channels",
        tags=["notifications"],
        responses=ChannelSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        self.query()
        return self.page(NotificationChannel.objects.owned_by(person(request).pk), ChannelSerializer)

    @extend_schema(
        summary="Add a notification channel",
        description="What it is reached by is kept encrypted and never comes back. A webhook gets its "
        "messages signed: `X-Copytrade-Signature: v1=` and the HMAC-SHA256, by `secret`, of "
        "`X-Copytrade-Timestamp`, a full stop and the body.",
        tags=["notifications"],
        request=ChannelRequestSerializer,
        responses={201: MadeChannelSerializer},
        examples=EXAMPLES,
    )
    def post(self, request: Request) -> Response:
        given = self.body(ChannelRequestSerializer)
        with answered_in_codes(given):
            made = channels.create_channel(
                user=person(request),
                kind=given.pop("kind"),
                label=given.pop("label"),
                fields=given,
                way=way_out(),
                origin=Origin.of(request),
                now=timezone.now(),
            )
        answer = MadeChannelSerializer(made.channel, context={"secret": made.secret})
        return Response(answer.data, status=201, headers={"Cache-Control": "no-store"})


class ChannelView(ApiView):
    write_scope = "trade"
    serializer_class = ChannelSerializer
    pagination_class = None

    @extend_schema(summary="Read a notification channel", tags=["notifications"], responses=ChannelSerializer)
    def get(self, request: Request, channel_id: UUID) -> Response:
        return Response(ChannelSerializer(_own(request, channel_id)).data)

    @extend_schema(
        summary="Rename a notification channel, or switch it off or on",
        tags=["notifications"],
        request=ChannelChangeSerializer,
        responses=ChannelSerializer,
        examples=[OpenApiExample("On again", value={"status": "active"}, request_only=True)],
    )
    def patch(self, request: Request, channel_id: UUID) -> Response:
        channel = _own(request, channel_id)
        given = self.body(ChannelChangeSerializer)
        changed = channels.change_channel(
            channel=channel,
            label=given.get("label"),
            status=given.get("status"),
            origin=Origin.of(request),
        )
        return Response(ChannelSerializer(changed).data)

    @extend_schema(
        summary="Remove a notification channel",
        tags=["notifications"],
        request=None,
        responses={204: OpenApiResponse(description="Nothing is sent there any more.")},
    )
    def delete(self, request: Request, channel_id: UUID) -> Response:
        channels.delete_channel(channel=_own(request, channel_id), origin=Origin.of(request))
        return Response(status=204)


class ChannelTestRate(PerCaller):
    """Before the nonce, which is not spent on what comes too fast."""

    def allow_request(self, request: Request, view: Any) -> bool:
        if request.user.is_authenticated:
            self._wait = seconds_to_wait_for_test(request.user.pk)
        return self._wait is None


class ChannelTestView(ApiView):
    write_scope = "trade"
    throttle_classes = (PerCaller, ChannelTestRate)
    pagination_class = None

    @extend_schema(
        summary="Send a test through a notification channel",
        description="At once, within ten seconds; 503 `channel_failed` says why it was not taken.",
        tags=["notifications"],
        request=NoFieldsSerializer,
        responses=DeliveredSerializer,
    )
    def post(self, request: Request, channel_id: UUID) -> Response:
        channel = _own(request, channel_id)
        self.body(NoFieldsSerializer)
        try:
            channels.send_test(channel=channel, way=way_out(), now=timezone.now())
        except Unreachable as failure:
            raise TryLater(CHANNEL_FAILED, str(failure), wait=RETRY_SECONDS) from failure
        return Response(DeliveredSerializer({"delivered": True}).data)


def seconds_to_wait_for_test(user_id: int) -> float | None:
    """A test is a request of ours to an address of theirs: not many of them."""
    return seconds_to_wait(f"channel-tests:{user_id}", limit=TESTS_PER_MINUTE)


def limit_tests(user_id: int) -> None:
    wait = seconds_to_wait_for_test(user_id)
    if wait is not None:
        raise Throttled(wait=wait)


@contextmanager
def answered_in_codes(given: dict[str, str]) -> Iterator[None]:
    attr = "server" if "server" in given else "url"
    try:
        yield
    except FieldWrong as wrong:
        raise invalid(codes.INVALID, wrong.sentence, attr=wrong.name) from None
    except AddressRefused as refused:
        raise invalid(ADDRESS_NOT_PUBLIC, str(refused), attr=attr) from None


def _own(request: Request, channel_id: UUID) -> NotificationChannel:
    own = NotificationChannel.objects.owned_by(person(request).pk)
    return get_object_or_404(own, public_id=channel_id)
