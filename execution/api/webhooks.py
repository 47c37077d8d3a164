"""Signals from outside: secret addresses, made and revoked by the master, used without credentials."""

from __future__ import annotations

from typing import Any, NoReturn
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.response import Response

from compliance.audit import Origin
from execution.api.signals import BODY_EXAMPLE, limit_rate, place
from execution.serializers import SignalSentSerializer, SignalSerializer
from rest import codes
from rest.addresses import client_ip
from rest.errors import NotHere
from rest.fields import Moment
from rest.parsers import StrictJSONParser
from rest.schema import Schema
from rest.serializers import NoFieldsSerializer
from rest.throttles import seconds_to_wait
from rest.views import ApiView
from strategies import webhooks
from strategies.models import Signal, Strategy, Webhook

# As for unknown tokens: guessing is hopeless, the limit keeps a flood of guesses out of the audit record.
FAILURES_PER_MINUTE = 60


class WebhookSerializer(serializers.ModelSerializer[Webhook]):
    """Never the secret: nothing here could tell it."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    created_at = Moment(read_only=True)
    last_used_at = Moment(read_only=True, allow_null=True)
    revoked_at = Moment(read_only=True, allow_null=True)

    class Meta:
        model = Webhook
        fields = ["id", "prefix", "created_at", "last_used_at", "revoked_at"]
        read_only_fields = fields


class CreatedWebhookSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    url = serializers.URLField(help_text="Shown this once: whoever knows it trades for you.")
    prefix = serializers.CharField()
    created_at = Moment()


class WebhooksView(ApiView):
    # Who may make such an address may trade through it, so nothing less than `trade` will do.
    write_scope = "trade"
    serializer_class = WebhookSerializer

    @extend_schema(
        summary="List the webhooks of your strategy",
        tags=["webhooks"],
        responses=WebhookSerializer(many=True),
    )
    def get(self, request: Request, strategy_id: UUID) -> Response:
        strategy = _own(request, strategy_id)
        self.query()
        return self.page(Webhook.objects.filter(strategy=strategy), WebhookSerializer)

    @extend_schema(
        summary="Create a secret address for signals",
        description="For services that send neither headers nor nonces. The address is shown this once.",
        tags=["webhooks"],
        request=NoFieldsSerializer,
        responses={201: CreatedWebhookSerializer},
    )
    def post(self, request: Request, strategy_id: UUID) -> Response:
        strategy = _own(request, strategy_id)
        self.body(NoFieldsSerializer)
        created = webhooks.create_webhook(strategy=strategy, origin=Origin.of(request), now=timezone.now())
        answer = {
            "id": created.webhook.public_id,
            "url": request.build_absolute_uri(reverse("hook", args=[created.secret])),
            "prefix": created.webhook.prefix,
            "created_at": created.webhook.created_at,
        }
        data = CreatedWebhookSerializer(answer).data
        return Response(data, status=201, headers={"Cache-Control": "no-store"})


class WebhookView(ApiView):
    write_scope = "trade"
    pagination_class = None

    @extend_schema(
        summary="Revoke a webhook",
        description="Idempotent. The address is dead at once.",
        tags=["webhooks"],
        request=None,
        responses={204: OpenApiResponse(description="The address does not work any more.")},
    )
    def delete(self, request: Request, strategy_id: UUID, webhook_id: UUID) -> Response:
        strategy = _own(request, strategy_id)
        webhook = get_object_or_404(Webhook, strategy=strategy, public_id=webhook_id)
        webhooks.revoke_webhook(webhook=webhook, origin=Origin.of(request), now=timezone.now())
        return Response(status=204)


class HookBody(StrictJSONParser):
    """A signal's JSON, whatever the sender calls it; read only once the address is known to be right."""

    max_bytes = 64 * 1024
    too_large = "The body of a webhook may have at most 64 KB."


class PlainTextHookBody(HookBody):
    media_type = "text/plain"


class HookSchema(Schema):
    def get_override_parameters(self) -> list[Any]:
        return [one for one in super().get_override_parameters() if one.name != "X-Nonce"]


class HookView(ApiView):
    """Knows its caller by the address alone: `hook_secret`, which HookSecretMiddleware took out of it."""

    write_scope = None
    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    parser_classes = (HookBody, PlainTextHookBody)
    http_method_names = ["post"]
    schema = HookSchema()

    @extend_schema(
        summary="Send a signal through a secret address",
        description="No token, no nonce. The same body again is the same signal.",
        tags=["webhooks"],
        auth=[{}],  # type: ignore[list-item]  # its annotation knows names only
        request=SignalSerializer,
        responses={202: SignalSentSerializer, 200: SignalSentSerializer},
        examples=[BODY_EXAMPLE],
    )
    def post(self, request: Request, secret: str) -> Response:
        now = timezone.now()
        webhook = webhooks.find_usable(request._request.hook_secret)  # type: ignore[attr-defined]
        if webhook is None:
            _refuse(request)
        # Apart from the API's: who floods a leaked address does not keep the master from exits.
        limit_rate(f"hook-signals:{webhook.strategy_id}")
        webhooks.note_use(webhook, now=now)
        given = self.body(SignalSerializer)
        strategy = webhook.strategy
        origin = Origin.of_person(request, str(strategy.owner.public_id))
        webhooks.record_delivery(webhook=webhook, client_signal_id=given["client_signal_id"], origin=origin)
        return place(strategy=strategy, given=given, source=Signal.Source.WEBHOOK, now=now)


def _refuse(request: Request) -> NoReturn:
    """The same answer for what never was and what was revoked."""
    wait = seconds_to_wait(f"bad-hook:{client_ip(request._request)}", limit=FAILURES_PER_MINUTE)
    if wait is not None:
        raise Throttled(wait=wait)
    webhooks.record_failure(origin=Origin.of_stranger(request))
    raise NotHere(codes.NOT_FOUND)


def _own(request: Request, strategy_id: UUID) -> Strategy:
    return get_object_or_404(Strategy, public_id=strategy_id, owner_id=request.user.pk)
