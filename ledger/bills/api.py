"""Bills of performance fees: what one owes and is owed, and the master's word on each."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from compliance.audit import Origin
from ledger.bills import services
from ledger.bills.models import Bill, BillState
from rest.fields import DecimalString, Moment, Reference
from rest.serializers import NoFieldsSerializer, QuerySerializer
from rest.views import ApiView
from strategies.serializers import Choice
from subscriptions.api import person
from subscriptions.seeing import nameable

ROLES = ("follower", "master")


class BillFilters(QuerySerializer):
    role = Choice(choices=ROLES, required=False)
    state = Choice(choices=BillState.choices, required=False)
    strategy = Reference(nameable, required=False)


class BillSerializer(serializers.ModelSerializer[Bill]):
    """`role` is yours in it. `subscription` is told to its follower only."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    role = serializers.SerializerMethodField()
    strategy = serializers.UUIDField(source="strategy.public_id", read_only=True)
    subscription = serializers.SerializerMethodField()
    master = serializers.CharField(source="strategy.owner.name", read_only=True)
    follower = serializers.CharField(source="subscription.follower.name", read_only=True)
    month = serializers.SerializerMethodField(help_text="Like 2026-03.")
    occasion = serializers.SerializerMethodField()
    gain = DecimalString(read_only=True, help_text="Above the highest result settled before.")
    mark_before = DecimalString(read_only=True)
    mark_after = DecimalString(read_only=True)
    percent = DecimalString(read_only=True)
    amount = DecimalString(read_only=True)
    credited = DecimalString(read_only=True, help_text="Given back since, as a trade was taken back.")
    fees_uncounted = serializers.IntegerField(
        read_only=True, help_text="Fees in coins without a price then: the gain lacks them."
    )
    created_at = Moment(source="settled_at", read_only=True)
    decided_at = Moment(read_only=True, allow_null=True)

    class Meta:
        model = Bill
        fields = [
            "id",
            "role",
            "strategy",
            "subscription",
            "master",
            "follower",
            "month",
            "occasion",
            "gain",
            "mark_before",
            "mark_after",
            "percent",
            "amount",
            "credited",
            "asset",
            "state",
            "fees_uncounted",
            "created_at",
            "decided_at",
        ]
        read_only_fields = fields

    def _is_mine(self, bill: Bill) -> bool:
        return bool(bill.subscription.follower_id == self.context["request"].user.pk)

    def get_role(self, bill: Bill) -> str:
        return ROLES[0] if self._is_mine(bill) else ROLES[1]

    def get_subscription(self, bill: Bill) -> str | None:
        return str(bill.subscription.public_id) if self._is_mine(bill) else None

    def get_month(self, bill: Bill) -> str:
        return f"{bill.month:%Y-%m}"

    def get_occasion(self, bill: Bill) -> str:
        """`month` or `leaving`."""
        return "leaving" if bill.closing_number else "month"


class BillsView(ApiView):
    write_scope = "strategies"
    filters = BillFilters
    serializer_class = BillSerializer

    @extend_schema(
        summary="List the performance fees that you owe or are owed",
        description=(
            "A master's share of what a copy gained above its highest settled result, billed monthly and on "
            "leaving. Followers pay masters; the platform collects nothing."
        ),
        tags=["books"],
        parameters=[BillFilters],
        responses=BillSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        wanted, user_id = self.query(), person(request).pk
        role = wanted.pop("role", None)
        rows = Bill.objects.of_person(user_id)
        if role:
            rows = rows.owed_by(user_id) if role == ROLES[0] else rows.owed_to(user_id)
        return self.page(rows.filter(**wanted).with_people(), BillSerializer)


class MarkPaidView(ApiView):
    write_scope = "strategies"
    pagination_class = None

    @extend_schema(
        summary="Say that a bill was paid",
        description="The master's word. The same again changes nothing; a waived bill stays waived.",
        tags=["books"],
        request=NoFieldsSerializer,
        responses=BillSerializer,
    )
    def post(self, request: Request, bill_id: UUID) -> Response:
        bill = _bill(request, bill_id)
        self.body(NoFieldsSerializer)
        services.mark_paid(bill=bill, by=person(request), origin=Origin.of(request), now=timezone.now())
        return Response(_answer(self, bill))


class WaiveView(ApiView):
    write_scope = "strategies"
    pagination_class = None

    @extend_schema(
        summary="Waive a bill",
        description="The master's word. The same again changes nothing; a paid bill stays paid.",
        tags=["books"],
        request=NoFieldsSerializer,
        responses=BillSerializer,
    )
    def post(self, request: Request, bill_id: UUID) -> Response:
        bill = _bill(request, bill_id)
        self.body(NoFieldsSerializer)
        services.waive(bill=bill, by=person(request), origin=Origin.of(request), now=timezone.now())
        return Response(_answer(self, bill))


def _bill(request: Request, bill_id: UUID) -> Bill:
    seen = Bill.objects.of_person(person(request).pk).with_people()
    return get_object_or_404(seen, public_id=bill_id)


def _answer(view: ApiView, bill: Bill) -> Any:
    return BillSerializer(bill, context=view.get_serializer_context()).data
