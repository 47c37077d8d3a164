"""Routes of notifications."""

from django.urls import URLPattern, path

from accounts.notifications import pages
from accounts.notifications.api import NotificationsView, ReadAllNotificationsView, ReadNotificationView

api_urlpatterns: list[URLPattern] = [
    path("notifications/", NotificationsView.as_view(), name="api-notifications"),
    path("notifications/read-all/", ReadAllNotificationsView.as_view(), name="api-notifications-read-all"),
    path(
        "notifications/<uuid:notification_id>/read/",
        ReadNotificationView.as_view(),
        name="api-notification-read",
    ),
]
page_urlpatterns: list[URLPattern] = [
    path("unsubscribe/<str:token>/", pages.unsubscribe, name="unsubscribe"),
]
