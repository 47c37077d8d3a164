"""Reviewing identity checks, in the admin. Nothing here is edited but by a decision."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Case, QuerySet, Value, When
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from accounts.kyc import details, files, review, screening
from accounts.kyc.forms import ClearForm, DecisionForm, NoteForm, RiskForm, problems
from accounts.kyc.models import KycCase, KycDocument, KycStatus
from accounts.kyc.review import ReviewRefused
from accounts.models import User
from compliance.audit import Origin
from records.look_only import LookOnly
from rest.errors import Conflict

REVIEW = "accounts.review_kyccase"
VIEWER_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'{origin}; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
LABELS = {KycStatus.PENDING: "warning", KycStatus.APPROVED: "success", KycStatus.REJECTED: "danger"}


class WaitingFilter(admin.SimpleListFilter):
    title = gettext_lazy("work")
    parameter_name = "work"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("waiting", _("Waiting for a reviewer")),
            ("second", _("Waiting for a second person")),
            ("listed", _("On the sanctions list")),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "waiting":
            return queryset.waiting()
        if self.value() == "second":
            return queryset.exclude(proposed_status="")
        return queryset.listed() if self.value() == "listed" else queryset


@admin.register(KycCase)
class KycCaseAdmin(LookOnly):
    list_display = ["person", "status", "risk", "submitted_at", "waits_for", "decided_at"]
    list_filter = [WaitingFilter, "user__kyc_status", "risk"]
    list_select_related = ["user", "proposed_by"]
    search_fields = ["user__email", "=user__public_id"]
    search_help_text = gettext_lazy("E-mail address")
    show_full_result_count = False
    list_per_page = 50

    # --- Who may: reviewers, and nobody edits ---

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return cast(User, request.user).has_perm(REVIEW)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    # --- The queue ---

    def get_ordering(self, request: HttpRequest) -> Any:
        """What waits comes first, the oldest of it on top."""
        waits = Case(When(user__kyc_status=KycStatus.PENDING, then=Value(0)), default=Value(1))
        return [waits.asc(), "submitted_at", "pk"]

    @display(description=gettext_lazy("person"), ordering="user__email")  # type: ignore[untyped-decorator]
    def person(self, case: KycCase) -> str:
        return case.user.email

    @display(description=gettext_lazy("status"), label=LABELS)  # type: ignore[untyped-decorator]
    def status(self, case: KycCase) -> tuple[str, str]:
        return case.user.kyc_status, case.user.get_kyc_status_display()

    @display(description=gettext_lazy("needs"))  # type: ignore[untyped-decorator]
    def waits_for(self, case: KycCase) -> str:
        if case.open_hits:
            return _("a look at the sanctions list")
        if case.proposed_by:
            return _("a second person than %(who)s") % {"who": case.proposed_by.email}
        return _("a decision") if case.user.kyc_status == KycStatus.PENDING else "—"

    # --- One case ---

    def get_urls(self) -> list[Any]:
        look = path(
            "<int:case_id>/documents/<uuid:public_id>/",
            self.admin_site.admin_view(self.look_at),
            name="kyc_document",
        )
        return [look, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        self._check_reviewer(request)
        cases: QuerySet[KycCase] = KycCase.objects.select_related("user", "proposed_by")
        case = get_object_or_404(cases, pk=object_id if object_id.isdecimal() else 0)
        reviewer = cast(User, request.user)
        if case.user_id == reviewer.pk:
            raise PermissionDenied("Nobody reviews themselves.")
        if request.method == "POST":
            _act(request, case, reviewer)
            return HttpResponseRedirect(request.path)
        review.note_look(case=case, origin=Origin.of(request))
        context = {**self.admin_site.each_context(request), **_shown(case, reviewer), "opts": self.opts}
        return TemplateResponse(request, "kyc/review.html", context)

    def look_at(self, request: HttpRequest, case_id: int, public_id: UUID) -> HttpResponse:
        """Record the look, then show: an image on a page of its own, a PDF as the browser does."""
        self._check_reviewer(request)
        documents = KycDocument.objects.select_related("case__user").exclude(stored_as="")
        document = get_object_or_404(documents, case_id=case_id, public_id=public_id)
        reviewer = cast(User, request.user)
        try:
            review.note_view(document=document, reviewer=reviewer, origin=Origin.of(request))
        except ReviewRefused as refused:
            raise PermissionDenied(str(refused)) from None
        link = files.link(document, reader=reviewer)
        if document.media_type == "application/pdf":
            return HttpResponseRedirect(link)
        return _viewer(request, document, link)

    def _check_reviewer(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied


def _viewer(request: HttpRequest, document: KycDocument, link: str) -> HttpResponse:
    origin = "" if link.startswith("/") else f" {link.split('?')[0]}"
    response = render(
        request,
        "kyc/viewer.html",
        {
            "document": document,
            "link": link,
            "back": reverse("admin:accounts_kyccase_change", args=[document.case_id]),
        },
    )
    response.headers["Content-Security-Policy"] = VIEWER_POLICY.format(origin=origin)
    response.headers["Cache-Control"] = "no-store"
    return response


def _shown(case: KycCase, reviewer: User) -> dict[str, Any]:
    status = case.user.kyc_status
    given = details.unseal(case)
    valid_until = case.valid_until or (given and given.document_expires_on)
    return {
        "title": case.user.email,
        "case": case,
        "details": given,
        "documents": list(case.documents.exclude(stored_as="").order_by("-pk")),
        "steps": list(case.steps.select_related("by").order_by("-pk")),
        "is_screened": screening.is_configured(),
        "can_approve": status in {KycStatus.PENDING, KycStatus.REJECTED},
        "can_reject": status in {KycStatus.PENDING, KycStatus.APPROVED},
        "is_reversal": status in {KycStatus.APPROVED, KycStatus.REJECTED},
        "needs_second": review.needs_second(case, KycStatus.APPROVED),
        "proposed_by_me": case.proposed_by_id == reviewer.pk,
        "decision_form": DecisionForm(initial={"valid_until": valid_until}),
        "note_form": NoteForm(),
        "risk_form": RiskForm(initial={"risk": case.risk}),
        "clear_forms": [(name, ClearForm(initial={"name": name})) for name in case.open_hits],
    }


def _act(request: HttpRequest, case: KycCase, reviewer: User) -> None:
    """One of the forms of the page; what came of it is a message on the page that follows."""
    acts = {"decide": _decide, "note": _note, "risk": _rate, "clear": _clear}
    forms: dict[str, type[Form]] = {
        "decide": DecisionForm,
        "note": NoteForm,
        "risk": RiskForm,
        "clear": ClearForm,
    }
    act = request.POST.get("act", "decide")
    if act not in acts:
        raise Http404
    form = forms[act](request.POST)
    if not form.is_valid():
        for problem in problems(form):
            messages.error(request, problem)
        return
    common = {"case_id": case.pk, "reviewer": reviewer, "now": timezone.now(), "origin": Origin.of(request)}
    try:
        messages.success(request, acts[act](common, form.cleaned_data))
    except ReviewRefused as refused:
        messages.error(request, str(refused))
    except Conflict as conflict:
        messages.error(request, str(conflict.detail))


def _decide(common: dict[str, Any], given: dict[str, Any]) -> str:
    status = KycStatus(given["decision"])
    done = review.decide(**common, status=status, reason=given["reason"], valid_until=given["valid_until"])
    if not done:
        return _("Proposed. It happens when a second person decides the same.")
    return _("Approved.") if status == KycStatus.APPROVED else _("Rejected.")


def _note(common: dict[str, Any], given: dict[str, Any]) -> str:
    review.add_note(**common, text=given["text"])
    return _("Noted.")


def _rate(common: dict[str, Any], given: dict[str, Any]) -> str:
    review.rate(**common, risk=KycCase.Risk(given["risk"]))
    return _("Risk changed.")


def _clear(common: dict[str, Any], given: dict[str, Any]) -> str:
    review.clear_name(**common, name=given["name"], reason=given["reason"])
    return _("Cleared. The risk is high now, so a second person looks too.")
