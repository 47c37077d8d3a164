"""The page of identity checks, and the files of the private folder."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.kyc import files, services
from accounts.kyc.folder import LinkInvalid, read_link
from accounts.kyc.forms import DetailsForm, DocumentForm
from accounts.kyc.models import KycDocument, KycStatus
from accounts.kyc.refusals import FileRefused
from accounts.kyc.standing import standing_of
from accounts.person import signed_in
from compliance.audit import Origin
from rest.errors import Conflict

# Whatever it holds: it runs nothing, loads nothing, and no other site frames it.
FILE_POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"


STEPS = (gettext_lazy("Send"), gettext_lazy("Review"), gettext_lazy("Decision"))
CURRENT_STEP = {KycStatus.PENDING: 1, KycStatus.APPROVED: 2}


@login_required
@require_safe
def kyc_page(request: HttpRequest) -> HttpResponse:
    return _page(request)


@login_required
@require_POST
def send_document(request: HttpRequest) -> HttpResponse:
    form = DocumentForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            document = services.send_document(
                user=signed_in(request),
                kind=form.cleaned_data["kind"],
                data=form.content(),
                now=timezone.now(),
                origin=Origin.of(request),
            )
        except FileRefused as refused:
            form.add_error("file", refused.detail)
        except Conflict as conflict:
            form.add_error(None, str(conflict.detail))
        else:
            sentence = _("%(kind)s received. A reviewer looks at it.")
            return _done(request, sentence % {"kind": document.get_kind_display()})
    return _page(request, document_form=form)


@login_required
@require_POST
def give_details(request: HttpRequest) -> HttpResponse:
    form = DetailsForm(request.POST)
    if form.is_valid():
        try:
            services.give_details(
                user=signed_in(request), given=form.given(), now=timezone.now(), origin=Origin.of(request)
            )
        except Conflict as conflict:
            form.add_error(None, str(conflict.detail))
        else:
            return _done(request, _("Saved, encrypted."))
    return _page(request, details_form=form)


@login_required
@require_safe
def own_document(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Look at what one sent oneself."""
    person = signed_in(request)
    documents = KycDocument.objects.current().owned_by(person.pk)
    return HttpResponseRedirect(files.link(get_object_or_404(documents, public_id=public_id), reader=person))


@login_required
def kyc_file(request: HttpRequest, token: str) -> HttpResponse:
    """A file of the private folder, to the person its link was made for."""
    try:
        name, media_type = read_link(token, reader=str(signed_in(request).public_id))
        content = files.read(name)
    except (LinkInvalid, FileNotFoundError) as error:
        raise Http404 from error
    return HttpResponse(
        content,
        content_type=media_type,
        headers={
            "Content-Disposition": "inline",
            "Content-Security-Policy": FILE_POLICY,
            "Cache-Control": "no-store",
        },
    )


def _page(request: HttpRequest, **forms: Any) -> HttpResponse:
    """The page, or, as htmx asks after an upload, its changing part; 422 with a form that has errors."""
    person = signed_in(request)
    standing = standing_of(person)
    context = {
        "standing": standing,
        "steps": STEPS,
        "current_step": CURRENT_STEP.get(KycStatus(standing.status), 0),
        "document_form": DocumentForm(),
        "details_form": DetailsForm(initial=_initial(standing.details)),
    } | forms
    template = "kyc/_standing.html" if request.headers.get("HX-Request") else "kyc/page.html"
    return render(request, template, context, status=422 if forms else 200)


def _initial(details: Any) -> dict[str, Any]:
    """What was said before; the number is asked for anew, as it is not shown whole."""
    if details is None:
        return {}
    return {
        "legal_name": details.legal_name,
        "birth_date": details.birth_date.isoformat(),
        "country": details.country,
        "document_expires_on": details.document_expires_on.isoformat(),
    }


def _done(request: HttpRequest, sentence: str) -> HttpResponse:
    messages.success(request, sentence)
    if request.headers.get("HX-Request"):
        return _page(request)
    return HttpResponseRedirect(reverse("kyc"))
