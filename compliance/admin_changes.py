"""Whatever staff do in the admin becomes a record, beside the admin's own log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.sites import UnfoldAdminSite

from compliance import audit
from compliance.audit import Origin
from compliance.models import Action


class RecordedChanges:
    """Mixed into the admin of every table, also of those that packages bring."""

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        _record(request, "add", obj, message)
        return super().log_addition(request, obj, message)  # type: ignore[misc]

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        _record(request, "change", obj, message)
        return super().log_change(request, obj, message)  # type: ignore[misc]

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Model]) -> Any:
        for obj in queryset:
            _record(request, "delete", obj, [])
        return super().log_deletions(request, queryset)  # type: ignore[misc]


class RecordedSite(UnfoldAdminSite):  # type: ignore[misc]
    """No table can be registered without it."""

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        known = admin_class or ModelAdmin
        recorded = type(known.__name__, (RecordedChanges, known), {"__module__": known.__module__})
        super().register(model_or_iterable, recorded, **options)


def _record(request: HttpRequest, act: str, obj: Model, message: Any) -> None:
    """Which fields, not what they hold: that may be personal."""
    parts = [part for entry in message for part in entry.values()] if isinstance(message, list) else []
    fields = sorted({str(field) for part in parts for field in part.get("fields", [])})
    audit.record(
        Action.ADMIN_CHANGE,
        origin=Origin.of(request),
        object=f"{obj._meta.label_lower} {getattr(obj, 'public_id', obj.pk)}",
        detail={"act": act, "fields": fields},
    )
