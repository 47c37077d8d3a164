from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from compliance.api import record_reading
from compliance.models import Action, AuditRecord
from records.look_only import LookOnly


@admin.register(AuditRecord)
class AuditRecordAdmin(LookOnly):
    """To look at only, and looking is recorded."""

    list_display = ["at", "action", "outcome", "actor", "object", "ip"]
    list_filter = ["action", "outcome"]
    search_fields = ["=actor", "=object", "=request_id"]
    show_full_result_count = False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return self._recorded(request, super().changelist_view(request, extra_context))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        answer = super().change_view(request, object_id, form_url, extra_context)
        return self._recorded(request, answer, record=object_id)

    def _recorded(self, request: HttpRequest, answer: HttpResponse, **looked_at: str) -> HttpResponse:
        record_reading(Action.AUDIT_READ, request, looked_at | request.GET.dict())
        return answer
