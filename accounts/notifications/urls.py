"""Routes of notifications."""

from django.urls import URLPattern, path

from accounts.notifications import pages
from accounts.notifications.api import NotificationsView, ReadAllNotificationsView, ReadNotificationView
from accounts.notifications.channel_api import ChannelsView, ChannelTestView, ChannelView

api_urlpatterns: list[URLPattern] = [
    path("notifications/", NotificationsView.as_view(), name="api-notifications"),
    path("notifications/read-all/", ReadAllNotificationsView.as_view(), name="api-notifications-read-all"),
    path(
        "notifications/<uuid:notification_id>/read/",
        ReadNotificationView.as_view(),
        name="api-notification-read",
    ),
]
channel = "notification-channels/<uuid:channel_id>/"
api_urlpatterns += [
    path("notification-channels/", ChannelsView.as_view(), name="api-notification-channels"),
    path(channel, ChannelView.as_view(), name="api-notification-channel"),
    path(f"{channel}test/", ChannelTestView.as_view(), name="api-notification-channel-test"),
]
page_urlpatterns: list[URLPattern] = [
    path("unsubscribe/<str:token>/", pages.unsubscribe, name="unsubscribe"),
]
