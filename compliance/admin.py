from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from compliance.models import AuditRecord


@admin.register(AuditRecord)
class AuditRecordAdmin(ModelAdmin):  # type: ignore[misc]
    """To look at only."""

    list_display = ["at", "action", "outcome", "actor", "object", "ip"]
    list_filter = ["action", "outcome"]
    search_fields = ["=actor", "=object", "=request_id"]
    ordering = ["-id"]
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
