from __future__ import annotations

from django.contrib import admin

from ledger.models import Adjustment, Position, Trade
from records.look_only import LookOnly


@admin.register(Trade)
class TradeAdmin(LookOnly):
    list_display = ["at", "symbol", "side", "price", "quantity", "fee", "fee_asset", "realised_pnl", "reason"]
    list_filter = ["side"]
    search_fields = ["=public_id", "=fill__trade_id"]
    show_full_result_count = False


@admin.register(Position)
class PositionAdmin(LookOnly):
    list_display = ["strategy", "subscription", "symbol", "held", "target", "realised_pnl", "updated_at"]
    list_select_related = ["strategy", "subscription"]
    search_fields = ["=public_id"]


@admin.register(Adjustment)
class AdjustmentAdmin(LookOnly):
    list_display = ["at", "subscription", "symbol", "cause", "amount", "cost"]
    list_select_related = ["subscription"]
    list_filter = ["cause"]
