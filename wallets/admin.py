from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from wallets.models import ExchangeAccount


@admin.register(ExchangeAccount)
class ExchangeAccountAdmin(ModelAdmin):  # type: ignore[misc]
    """To look at only; sealed or not, no keys."""

    list_display = ["label", "exchange", "owner", "status", "equity", "validated_at", "disconnected_at"]
    list_filter = ["exchange", "status"]
    list_select_related = ["owner"]
    search_fields = ["label", "owner__email", "=public_id"]
    ordering = ["-id"]
    exclude = ["sealed_credentials", "proxy_url"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
