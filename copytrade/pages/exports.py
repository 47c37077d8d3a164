"""/trades/exports/: a file that is too large to wait for. How far is it, and where can I get it?"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.person import signed_in
from compliance import audit
from compliance.audit import Origin
from compliance.models import Action
from copytrade.pages.live import answer_poll, render_live, signed_out
from copytrade.pages.trades import TradesForm
from execution import tasks
from execution.exports import services
from execution.exports.models import ExportJob
from ledger.export import FORMS
from rest.errors import Conflict

EVERY = "1s"
TEMPLATE = "pages/_export.html"


@login_required
@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """Have what the page of trades shows under these filters written as `format`."""
    user = signed_in(request)
    filters = TradesForm(request.POST, user_id=user.pk)
    form = request.POST.get("format", "")
    if form not in FORMS or not filters.is_valid():
        raise Http404("There is no such export.")
    try:
        job = services.ask(
            user=user, form=form, wanted=filters.wanted(), origin=Origin.of(request), now=timezone.now()
        )
    except Conflict as conflict:
        messages.error(request, str(conflict.detail))
        return redirect("trades")
    tasks.enqueue_exports()
    return redirect("export", job.public_id)


@login_required
@require_safe
def export_page(request: HttpRequest, public_id: UUID) -> HttpResponse:
    job = _mine(request, public_id)
    return render(request, "pages/export.html", {"job": job, "live": render_live(request, **_live(job))})


@require_safe
def export_live(request: HttpRequest, public_id: UUID) -> HttpResponse:
    if not request.user.is_authenticated:
        return signed_out(request)
    return answer_poll(request, **_live(_mine(request, public_id)))


@login_required
@require_safe
def export_file(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """The file, to whom it belongs, as it comes from where it lies."""
    job = _mine(request, public_id)
    if not job.is_downloadable(now=timezone.now()):
        raise Http404("This export is not there any more, or not yet.")
    try:
        file = services.FILES.storage.open_unread(job.stored_as)
    except FileNotFoundError as error:
        raise Http404("The file of this export is gone.") from error
    with transaction.atomic():
        detail = {"format": job.format, "job": str(job.public_id), "downloaded": True}
        audit.record(Action.EXPORT, origin=Origin.of(request), object="trades", detail=detail)
    return FileResponse(
        file,
        as_attachment=True,
        filename=job.file_name,
        content_type=FORMS[job.format].content_type,
        headers={"Content-Length": str(job.size), "Cache-Control": "private, no-store"},
    )


def _mine(request: HttpRequest, public_id: UUID) -> ExportJob:
    return get_object_or_404(ExportJob.objects.owned_by(signed_in(request).pk), public_id=public_id)


def _live(job: ExportJob) -> dict[str, Any]:
    return {
        "template": TEMPLATE,
        "context": {"job": job, "can_be_downloaded": job.is_downloadable(now=timezone.now())},
        "address": reverse("export_live", args=[job.public_id]),
        "every": EVERY if job.is_unfinished else "",
    }
