from __future__ import annotations

from django.contrib import admin

from records.look_only import LookOnly
from subscriptions.models import History, Subscription


@admin.register(Subscription)
class SubscriptionAdmin(LookOnly):
    list_display = ["follower", "strategy", "exchange_account", "status", "allocation", "cash", "created_at"]
    list_filter = ["status", "sizing_mode"]
    list_select_related = ["follower", "strategy", "exchange_account"]
    search_fields = ["follower__email", "strategy__name", "=public_id"]


@admin.register(History)
class HistoryAdmin(LookOnly):
    list_display = ["at", "subscription", "act", "by", "reason", "allocation_before", "allocation"]
    list_select_related = ["subscription", "by"]
    list_filter = ["act"]
    search_fields = ["=subscription__public_id"]
