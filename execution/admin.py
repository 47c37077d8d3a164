from __future__ import annotations

from datetime import timedelta

from django.contrib import admin
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from execution.models import CoinDifference, CopyOrder, MasterFeed
from records.look_only import LookOnly


@admin.register(CopyOrder)
class CopyOrderAdmin(LookOnly):
    list_display = ["client_order_id", "origin", "symbol", "side", "status", "reason_code", "created_at"]
    list_filter = ["status", "origin", "kind"]
    search_fields = ["=client_order_id", "=public_id", "=venue_order_id"]
    show_full_result_count = False


@admin.register(MasterFeed)
class MasterFeedAdmin(LookOnly):
    """How well each master's account is heard."""

    list_display = ["exchange_account", "age", "silent_since", "mute_at", "leased_by", "leased_until"]
    list_select_related = ["exchange_account"]
    search_fields = ["exchange_account__label", "=exchange_account__public_id"]

    @admin.display(description=_("last proof of life"), ordering="alive_at")
    def age(self, feed: MasterFeed) -> timedelta | None:
        if feed.alive_at is None:
            return None
        return timedelta(seconds=round((timezone.now() - feed.alive_at).total_seconds()))


@admin.register(CoinDifference)
class CoinDifferenceAdmin(LookOnly):
    list_display = ["exchange_account", "asset", "missing", "cause", "since", "counted_at"]
    list_select_related = ["exchange_account"]
    list_filter = ["cause"]
