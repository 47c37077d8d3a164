"""One change for several copies: one's own, or those of a master's clients who allow it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from compliance.audit import Origin
from rest.fields import Reference, Text
from rest.serializers import StrictSerializer
from rest.views import ApiView
from strategies.models import Strategy
from subscriptions import groups
from subscriptions.api import person
from subscriptions.models import Subscription
from subscriptions.serializers import SubscriptionChangeSerializer, changes_of

MOST = 100


class OwnChangesSerializer(StrictSerializer):
    subscriptions = serializers.ListField(
        child=Reference(
            lambda user_id: Subscription.objects.owned_by(user_id).select_related(
                "strategy", "exchange_account__owner"
            )
        ),
        min_length=1,
        max_length=MOST,
    )
    changes = SubscriptionChangeSerializer()


class ClientChangeSerializer(SubscriptionChangeSerializer):
    """Never the money, nor what becomes of coins."""

    allocation = None  # type: ignore[assignment]
    on_unsubscribe = None  # type: ignore[assignment]
    on_master_lost = None  # type: ignore[assignment]
    master_may_change = None  # type: ignore[assignment]


class ClientChangesSerializer(StrictSerializer):
    group = Text(max_length=80)
    changes = ClientChangeSerializer()


class OutcomeSerializer(serializers.Serializer[Any]):
    subscription = serializers.UUIDField()
    changed = serializers.BooleanField(help_text="false: it was so already.")


class OwnChangedSerializer(serializers.Serializer[Any]):
    results = OutcomeSerializer(many=True)


class ClientsChangedSerializer(serializers.Serializer[Any]):
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField(help_text="They were so already.")
    not_allowed = serializers.IntegerField(
        help_text="They did not let you change their copy, or paused it themselves and you would resume it."
    )


class OwnChangesView(ApiView):
    write_scope = "trade"
    pagination_class = None

    @extend_schema(
        summary="Change several of your subscriptions alike",
        description=(
            "`changes` is what a PATCH of one takes. All or nothing: where some refuse it, nothing changes, "
            "and each refusal is told with its place in the list, as `subscriptions.2`."
        ),
        tags=["subscriptions"],
        request=OwnChangesSerializer,
        responses=OwnChangedSerializer,
        examples=[
            OpenApiExample(
                "Pause two",
                value={
                    "subscriptions": [
                        "0199a6f2-7c1e-7d30-9b51-3f1f6a0c2a11",
                        "0199a6f2-8d2f-7e41-8c62-4a2a7b1d3b22",
                    ],
                    "changes": {"status": "paused"},
                },
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        given = self.body(OwnChangesSerializer)
        rows = list({row.pk: row for row in given["subscriptions"]}.values())
        changed = groups.change_own(
            subscriptions=rows,
            changes=changes_of(given["changes"]),
            status=given["changes"].get("status"),
            origin=Origin.of(request),
            now=timezone.now(),
        )
        results = [{"subscription": row.public_id, "changed": changed[row.pk]} for row in rows]
        return Response(OwnChangedSerializer({"results": results}).data)


class ClientChangesView(ApiView):
    write_scope = "strategies"
    pagination_class = None

    @extend_schema(
        summary="Change the copies of a group of your clients alike",
        description=(
            "Of those who follow by invites of this `group` and set `master_may_change`; others are counted. "
            "All or nothing, and each of them is told. Never the allocation. "
            "What they, a limit or the platform paused only they resume."
        ),
        tags=["strategies"],
        request=ClientChangesSerializer,
        responses=ClientsChangedSerializer,
        examples=[
            OpenApiExample(
                "Half the size",
                value={"group": "friends", "changes": {"sizing": {"mode": "proportional", "value": "0.5"}}},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request, strategy_id: UUID) -> Response:
        strategy = get_object_or_404(Strategy, public_id=strategy_id, owner_id=person(request).pk)
        given = self.body(ClientChangesSerializer)
        changed, others = groups.change_clients(
            strategy=strategy,
            group=given["group"],
            changes=changes_of(given["changes"]),
            status=given["changes"].get("status"),
            master=person(request),
            now=timezone.now(),
        )
        moved = sum(changed.values())
        told = {"changed": moved, "unchanged": len(changed) - moved, "not_allowed": others}
        return Response(ClientsChangedSerializer(told).data)
