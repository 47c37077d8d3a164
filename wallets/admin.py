from __future__ import annotations

from django.contrib import admin

from records.look_only import LookOnly
from wallets.models import ExchangeAccount


@admin.register(ExchangeAccount)
class ExchangeAccountAdmin(LookOnly):
    """To look at only; sealed or not, no keys."""

    list_display = ["label", "exchange", "owner", "status", "equity", "validated_at", "disconnected_at"]
    list_filter = ["exchange", "status"]
    list_select_related = ["owner"]
    search_fields = ["label", "owner__email", "=public_id"]
    exclude = ["sealed_credentials", "proxy_url"]
