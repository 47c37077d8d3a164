"""A person's limits. The answer to a change tells how many orders had left before it."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from compliance.audit import Origin
from execution import tasks
from execution.models import CopyOrder
from execution.services import release_parked_exits
from execution.states import AT_THE_VENUE
from rest.views import ApiView
from risk import services
from risk.models import KillSwitch
from risk.serializers import LimitsAnswerSerializer, LimitsSerializer, LimitsSetSerializer
from subscriptions.api import person


class LimitsView(ApiView):
    write_scope = "trade"
    serializer_class = LimitsAnswerSerializer
    pagination_class = None

    @extend_schema(summary="Read your limits", tags=["risk"], responses=LimitsAnswerSerializer)
    def get(self, request: Request) -> Response:
        return Response(LimitsAnswerSerializer(services.limits_of(person(request))).data)

    @extend_schema(
        summary="Replace all your limits",
        description="null or left out: no limit. Nothing new leaves after the answer to a kill switch.",
        tags=["risk"],
        request=LimitsSerializer,
        responses=LimitsSetSerializer,
        examples=[
            OpenApiExample(
                "Two limits", value={"max_order_notional": "500", "kill_switch": "off"}, request_only=True
            )
        ],
    )
    def put(self, request: Request) -> Response:
        given = {name: value for name, value in self.body(LimitsSerializer).items() if value is not None}
        user = person(request)
        limits = services.replace_limits(
            user=user, wanted=services.Wanted(**given), now=timezone.now(), origin=Origin.of(request)
        )
        if limits.kill_switch != KillSwitch.FREEZE:
            tasks.enqueue_orders(release_parked_exits(user_id=user.pk, now=timezone.now()), queue="exits")
        answer = LimitsAnswerSerializer(limits).data
        return Response({**answer, "in_flight": in_flight(user.pk)})


def in_flight(user_id: int) -> int:
    """A person's copy orders that are at a venue, or on the way there."""
    return CopyOrder.objects.of_follower(user_id).filter(status__in=AT_THE_VENUE).count()
