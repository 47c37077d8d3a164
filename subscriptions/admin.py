from __future__ import annotations

from django.contrib import admin

from strategies.admin import LookOnly
from subscriptions.models import Subscription


@admin.register(Subscription)
class SubscriptionAdmin(LookOnly):
    list_display = ["follower", "strategy", "exchange_account", "status", "allocation", "cash", "created_at"]
    list_filter = ["status", "sizing_mode"]
    list_select_related = ["follower", "strategy", "exchange_account"]
    search_fields = ["follower__email", "strategy__name", "=public_id"]
