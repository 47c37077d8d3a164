"""Routes of notifications."""

from django.urls import URLPattern, path

from accounts.notifications import pages
from accounts.notifications.api import (
    NotificationPreferencesView,
    NotificationsView,
    ReadAllNotificationsView,
    ReadNotificationView,
)
from accounts.notifications.channel_api import ChannelsView, ChannelTestView, ChannelView

api_urlpatterns: list[URLPattern] = [
    path("notifications/", NotificationsView.as_view(), name="api-notifications"),
    path("notifications/read-all/", ReadAllNotificationsView.as_view(), name="api-notifications-read-all"),
    path(
        "notifications/preferences/",
        NotificationPreferencesView.as_view(),
        name="api-notification-preferences",
    ),
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
    path("", pages.notifications_page, name="notifications"),
    path("bell/", pages.bell, name="notifications_bell"),
    path("read-all/", pages.read_all, name="notifications_read_all"),
    path("preferences/", pages.save_preferences, name="notifications_preferences"),
    path("<uuid:public_id>/read/", pages.read_one, name="notification_read"),
    path("channels/", pages.add_channel, name="channel_add"),
    path("channels/<uuid:public_id>/test/", pages.test_channel, name="channel_test"),
    path("channels/<uuid:public_id>/switch/", pages.switch_channel, name="channel_switch"),
    path("channels/<uuid:public_id>/remove/", pages.remove_channel, name="channel_remove"),
    path("unsubscribe/<str:token>/", pages.unsubscribe, name="unsubscribe"),
]
