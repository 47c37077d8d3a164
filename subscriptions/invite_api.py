"""Invites to private strategies: made and revoked by the master, spent by following."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from compliance.audit import Origin
from rest.fields import Moment, Text, WholeNumber
from rest.serializers import StrictSerializer
from rest.views import ApiView
from strategies.invites import services as invites
from strategies.invites.models import InviteState
from strategies.models import Invite, Strategy


class NewInviteSerializer(StrictSerializer):
    """`group`: a label for your own order, which nobody else sees."""

    group = Text(max_length=80, allow_blank=True, required=False)
    expires_in_days = WholeNumber(min_value=1, max_value=invites.MOST_DAYS, required=False)


class InviteSerializer(serializers.ModelSerializer[Invite]):
    """Never the code: nothing here could tell it."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    state = serializers.SerializerMethodField()
    created_at = Moment(read_only=True)
    expires_at = Moment(read_only=True)
    used_at = Moment(read_only=True, allow_null=True)
    revoked_at = Moment(read_only=True, allow_null=True)

    class Meta:
        model = Invite
        fields = ["id", "prefix", "group", "state", "created_at", "expires_at", "used_at", "revoked_at"]
        read_only_fields = fields

    def get_state(self, invite: Invite) -> InviteState:
        return invite.state_at(timezone.now())


class CreatedInviteSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    code = serializers.CharField(help_text="Shown this once: whoever has it may follow, once.")
    url = serializers.URLField(help_text="The strategy's page, opened by the code.")
    prefix = serializers.CharField()
    group = serializers.CharField()
    created_at = Moment()
    expires_at = Moment()


class InvitesView(ApiView):
    write_scope = "strategies"
    serializer_class = InviteSerializer

    @extend_schema(
        summary="List the invites of your strategy",
        tags=["strategies"],
        responses=InviteSerializer(many=True),
    )
    def get(self, request: Request, strategy_id: UUID) -> Response:
        strategy = _own(request, strategy_id)
        self.query()
        return self.page(Invite.objects.filter(strategy=strategy), InviteSerializer)

    @extend_schema(
        summary="Invite somebody to a private strategy",
        description=(
            "The code lets one person follow, once; it is shown this once. "
            f"It holds {invites.DAYS} days if `expires_in_days` is not given."
        ),
        tags=["strategies"],
        request=NewInviteSerializer,
        responses={201: CreatedInviteSerializer},
        examples=[OpenApiExample("For a friend", value={"group": "friends"}, request_only=True)],
    )
    def post(self, request: Request, strategy_id: UUID) -> Response:
        strategy = _own(request, strategy_id)
        given = self.body(NewInviteSerializer)
        created = invites.create_invite(
            strategy=strategy,
            group=given.get("group", ""),
            days=given.get("expires_in_days", invites.DAYS),
            origin=Origin.of(request),
            now=timezone.now(),
        )
        data = CreatedInviteSerializer(_told(created, request)).data
        return Response(data, status=201, headers={"Cache-Control": "no-store"})


class InviteView(ApiView):
    write_scope = "strategies"
    pagination_class = None

    @extend_schema(
        summary="Revoke an invite",
        description="Idempotent. Who came in by it stays.",
        tags=["strategies"],
        request=None,
        responses={204: OpenApiResponse(description="The code lets nobody in any more.")},
    )
    def delete(self, request: Request, strategy_id: UUID, invite_id: UUID) -> Response:
        strategy = _own(request, strategy_id)
        invite = get_object_or_404(Invite, strategy=strategy, public_id=invite_id)
        invites.revoke_invite(invite=invite, origin=Origin.of(request), now=timezone.now())
        return Response(status=204)


def address_of(strategy: Strategy, code: str) -> str:
    """Where the code opens the strategy, without the host."""
    return f"{reverse('strategy', args=[strategy.slug])}?{urlencode({'invite': code})}"


def _told(created: invites.Created, request: Request) -> dict[str, Any]:
    invite = created.invite
    return {
        "id": invite.public_id,
        "code": created.code,
        "url": request.build_absolute_uri(address_of(invite.strategy, created.code)),
        "prefix": invite.prefix,
        "group": invite.group,
        "created_at": invite.created_at,
        "expires_at": invite.expires_at,
    }


def _own(request: Request, strategy_id: UUID) -> Strategy:
    return get_object_or_404(Strategy, public_id=strategy_id, owner_id=request.user.pk)
