from __future__ import annotations

from django.contrib import admin

from execution.models import CopyOrder
from strategies.admin import LookOnly


@admin.register(CopyOrder)
class CopyOrderAdmin(LookOnly):
    list_display = ["client_order_id", "origin", "symbol", "side", "status", "reason_code", "created_at"]
    list_filter = ["status", "origin", "kind"]
    search_fields = ["=client_order_id", "=public_id", "=venue_order_id"]
    show_full_result_count = False
