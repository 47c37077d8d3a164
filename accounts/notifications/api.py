"""The inbox."""

from __future__ import annotations

from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import person
from accounts.notifications import preferences, services
from accounts.notifications.models import Notification
from accounts.notifications.serializers import (
    NotificationFilters,
    NotificationPreferencesSerializer,
    NotificationPreferencesSetSerializer,
    NotificationSerializer,
    ReadSerializer,
)
from rest.serializers import NoFieldsSerializer
from rest.views import ApiView


class NotificationsView(ApiView):
    write_scope = "trade"
    serializer_class = NotificationSerializer
    filters = NotificationFilters

    @extend_schema(
        summary="List what you were told",
        tags=["notifications"],
        parameters=[NotificationFilters],
        responses=NotificationSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        rows = Notification.objects.owned_by(person(request).pk)
        unread = self.query().get("unread")
        if unread is not None:
            rows = rows.filter(read_at__isnull=unread == "true")
        return self.page(rows, NotificationSerializer)


class ReadNotificationView(ApiView):
    write_scope = "trade"
    pagination_class = None

    @extend_schema(
        summary="Mark a notification as read",
        description="Idempotent: the first time counts.",
        tags=["notifications"],
        request=NoFieldsSerializer,
        responses=NotificationSerializer,
    )
    def post(self, request: Request, notification_id: UUID) -> Response:
        own = Notification.objects.owned_by(person(request).pk)
        notification = get_object_or_404(own, public_id=notification_id)
        self.body(NoFieldsSerializer)
        notification = services.mark_read(notification=notification, now=timezone.now())
        return Response(NotificationSerializer(notification).data)


class ReadAllNotificationsView(ApiView):
    write_scope = "trade"
    pagination_class = None

    @extend_schema(
        summary="Mark all notifications as read",
        tags=["notifications"],
        request=NoFieldsSerializer,
        responses=ReadSerializer,
    )
    def post(self, request: Request) -> Response:
        self.body(NoFieldsSerializer)
        read = services.mark_all_read(user_id=person(request).pk, now=timezone.now())
        return Response(ReadSerializer({"read": read}).data)


class NotificationPreferencesView(ApiView):
    write_scope = "trade"
    pagination_class = None

    @extend_schema(
        summary="Read what you are told by mail and by your channels",
        tags=["notifications"],
        responses=NotificationPreferencesSetSerializer,
    )
    def get(self, request: Request) -> Response:
        self.query()
        return Response(
            NotificationPreferencesSetSerializer(preferences.preferences_of(person(request))).data
        )

    @extend_schema(
        summary="Choose what you are told by mail and by your channels",
        description="Both lists are replaced. The inbox takes everything; kinds of `always` cannot be named.",
        tags=["notifications"],
        request=NotificationPreferencesSerializer,
        responses=NotificationPreferencesSetSerializer,
    )
    def put(self, request: Request) -> Response:
        given = self.body(NotificationPreferencesSerializer)
        row = preferences.replace_preferences(user=person(request), **given)
        return Response(NotificationPreferencesSetSerializer(row).data)
