"""The page on which auditors read the record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from compliance import audit
from compliance.api import AUDITOR, OBJECT, record_reading
from compliance.audit import Origin
from compliance.chain import SEALED_COLUMNS, Sealed
from compliance.forms import AuditSearch
from compliance.models import Action, Outcome, unsealed
from compliance.serializers import matching

PER_PAGE = 50


@require_safe
@login_required
def audit_page(request: HttpRequest) -> HttpResponse:
    """Newest first; `?before=` a sequence goes on to older ones."""
    _check_role(request)
    search = AuditSearch(request.GET)
    wanted = search.wanted if search.is_valid() else {}
    rows = _page(request, wanted) if search.is_valid() else []
    record_reading(Action.AUDIT_READ, request, wanted)
    shown, more = rows[:PER_PAGE], len(rows) > PER_PAGE
    filters = {name: _parameter(value) for name, value in wanted.items()}
    typed = {name: value for name, value in request.GET.items() if value and name != "before"}
    context = {
        "search": search,
        "records": shown,
        "older": urlencode(typed | {"before": shown[-1].sequence}) if more else "",
        "newest": urlencode(typed) if request.GET.get("before") else None,
        "exported": urlencode(filters),
        "filtered": bool(typed),
        "unsealed": unsealed(),
    }
    return render(request, "compliance/audit.html", context)


def _check_role(request: HttpRequest) -> None:
    user: Any = request.user
    if AUDITOR not in user.roles:
        audit.record(Action.AUDIT_READ, origin=Origin.of(request), object=OBJECT, outcome=Outcome.REFUSED)
        raise PermissionDenied


def _page(request: HttpRequest, wanted: dict[str, Any]) -> list[Sealed]:
    before = request.GET.get("before", "")
    rows = matching(wanted)
    if before:
        if not (before.isascii() and before.isdecimal() and len(before) <= 18):
            raise Http404("There is no such page.")
        rows = rows.filter(sequence__lt=int(before))
    newest = rows.order_by("-sequence").values_list(*SEALED_COLUMNS)[: PER_PAGE + 1]
    return [Sealed.from_row(row) for row in newest]


def _parameter(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value)
