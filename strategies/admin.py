from __future__ import annotations

from django.contrib import admin

from records.look_only import LookOnly
from strategies.models import Signal, Strategy


@admin.register(Strategy)
class StrategyAdmin(LookOnly):
    list_display = ["name", "owner", "status", "visibility", "symbols", "published_at", "last_signal_number"]
    list_filter = ["status", "visibility", "risk_level"]
    list_select_related = ["owner"]
    search_fields = ["name", "owner__email", "=public_id"]


@admin.register(Signal)
class SignalAdmin(LookOnly):
    list_display = ["number", "strategy", "symbol", "side", "amount", "price", "status", "source", "at"]
    list_filter = ["status", "source"]
    list_select_related = ["strategy"]
    search_fields = ["=public_id", "=client_signal_id", "=venue_order_id"]
    show_full_result_count = False
