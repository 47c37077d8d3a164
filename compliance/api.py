"""The audit record, for auditors. Reading it is an act as any other."""

from __future__ import annotations

from typing import Any

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from compliance import audit, export
from compliance.audit import Origin
from compliance.chain import SEALED_COLUMNS
from compliance.models import Action, Outcome
from compliance.serializers import AuditExportFilters, AuditFilters, AuditRecordSerializer, matching
from rest.errors import Forbidden
from rest.views import ApiView

AUDITOR = "auditor"
OBJECT = "audit"
CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
WRITERS = {"csv": export.as_csv, "json": export.as_json}


class ForAuditors(ApiView):
    """Refused attempts are recorded too."""

    write_scope = None
    role = AUDITOR
    act: Action

    def check_permissions(self, request: Request) -> None:
        try:
            super().check_permissions(request)
        except Forbidden as refusal:
            audit.record(
                self.act,
                origin=Origin.of(request),
                object=OBJECT,
                outcome=Outcome.REFUSED,
                detail={"code": str(refusal.get_codes())},
            )
            raise


class AuditView(ForAuditors):
    filters = AuditFilters
    serializer_class = AuditRecordSerializer
    ordering = "-sequence"
    act = Action.AUDIT_READ

    @extend_schema(
        summary="List audit records",
        description="For auditors. A record is listed when it is sealed, a few seconds after its act.",
        tags=["audit"],
        parameters=[AuditFilters],
        responses=AuditRecordSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        wanted = self.query()
        answer = self.page(matching(wanted).values(*SEALED_COLUMNS), AuditRecordSerializer)
        record_reading(Action.AUDIT_READ, request, wanted)
        return answer


class AuditExportView(ForAuditors):
    filters = AuditExportFilters
    serializer_class = AuditRecordSerializer
    pagination_class = None
    act = Action.EXPORT

    @extend_schema(
        summary="Export audit records",
        description="For auditors: the whole chain from the first to the last record that passes the "
        "filters, with a signed head. `docs/verify_audit_export.py` checks the file with Python alone.",
        tags=["audit"],
        parameters=[AuditExportFilters],
        responses={200: OpenApiResponse(description="CSV, or one JSON object; streamed.")},
    )
    def get(self, request: Request) -> HttpResponseBase:
        wanted = self.query()
        form = wanted.pop("format")
        run = export.run_of(matching(wanted))
        record_reading(Action.EXPORT, request, wanted | {"format": form})
        response = StreamingHttpResponse(WRITERS[form](run), content_type=CONTENT_TYPES[form])
        response["Content-Disposition"] = f'attachment; filename="audit.{form}"'
        return response


def record_reading(act: Action, request: Any, wanted: dict[str, Any]) -> None:
    """Who looked at what."""
    detail = {name: str(value) for name, value in wanted.items()}
    audit.record(act, origin=Origin.of(request), object=OBJECT, detail=detail)
