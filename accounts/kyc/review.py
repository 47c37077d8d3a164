"""What reviewers do: decide, note, rate the risk, clear a name. Nobody reviews themselves."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from accounts.kyc import details, screening
from accounts.kyc.models import KycCase, KycDocument, KycStatus, KycStep
from accounts.kyc.services import lock_case, move
from accounts.models import User
from compliance import audit
from compliance.audit import Origin
from compliance.models import Action


class ReviewRefused(Exception):
    """This cannot be decided so; the sentence says why."""


def decide(
    *,
    case_id: int,
    reviewer: User,
    status: KycStatus,
    reason: str,
    valid_until: date | None,
    now: datetime,
    origin: Origin,
) -> bool:
    """Approve or reject. False: it needs a second person, and is their turn now. ReviewRefused."""
    with transaction.atomic(durable=True):
        case = _lock_for(case_id, reviewer)
        _check_decision(case, status, valid_until, now)
        if needs_second(case, status) and not _is_second(case, status, reviewer):
            _propose(case, status, reviewer, reason, now, origin)
            return False
        move(case, status, KycStep.Act.DECIDE, now=now, by=reviewer, text=reason)
        case.reason, case.decided_at = reason, now
        case.valid_until = valid_until if status == KycStatus.APPROVED else None
        case.proposed_status, case.proposed_by, case.is_told = "", None, False
        case.save(
            update_fields=[
                *("reason", "decided_at", "valid_until", "is_told"),
                *("proposed_status", "proposed_by"),
            ]
        )
        _record(Action.KYC_DECIDE, case, origin, status=status, reason=reason)
    return True


def rate(*, case_id: int, reviewer: User, risk: KycCase.Risk, now: datetime, origin: Origin) -> None:
    with transaction.atomic(durable=True):
        case = _lock_for(case_id, reviewer)
        if case.risk == risk:
            return
        if case.risk == KycCase.Risk.HIGH and case.proposed_by_id == reviewer.pk:
            # Else the first reviewer could do without the second.
            raise ReviewRefused("You proposed a decision: somebody else may lower the risk.")
        case.risk = risk
        case.save(update_fields=["risk"])
        _note(case, KycStep.Act.RISK, reviewer, risk, now)
        _record(Action.KYC_DECIDE, case, origin, risk=risk)


def add_note(*, case_id: int, reviewer: User, text: str, now: datetime, origin: Origin) -> None:
    """For colleagues; the applicant never reads it."""
    with transaction.atomic(durable=True):
        case = _lock_for(case_id, reviewer)
        _note(case, KycStep.Act.NOTE, reviewer, text, now)
        _record(Action.KYC_DECIDE, case, origin, note="added")


def clear_name(
    *, case_id: int, reviewer: User, name: str, reason: str, now: datetime, origin: Origin
) -> None:
    """The listed person is somebody else. The risk becomes high, so that a second person looks too."""
    with transaction.atomic(durable=True):
        case = _lock_for(case_id, reviewer)
        if name not in case.open_hits:
            raise ReviewRefused("This name is not an open hit.")
        case.cleared_names, case.risk = [*case.cleared_names, name], KycCase.Risk.HIGH
        case.save(update_fields=["cleared_names", "risk"])
        _note(case, KycStep.Act.CLEAR, reviewer, f"{name}: {reason}"[:500], now)
        _record(Action.KYC_DECIDE, case, origin, cleared=name, reason=reason)


def note_look(*, case: KycCase, origin: Origin) -> None:
    """What somebody says of themselves is shown: on record as well."""
    _record(Action.KYC_VIEW, case, origin, what="details")


def note_view(*, document: KycDocument, reviewer: User, origin: Origin) -> None:
    """Each look at a document is on record, before the document is shown. ReviewRefused."""
    if document.case.user_id == reviewer.pk:
        raise ReviewRefused("These are your own documents: somebody else reviews them.")
    if document.scan == KycDocument.Scan.INFECTED:
        raise ReviewRefused("The virus scanner found something in this file.")
    audit.record(
        Action.KYC_VIEW,
        origin=origin,
        object=str(document.public_id),
        detail={"person": str(document.case.user.public_id), "kind": document.kind},
    )


def _lock_for(case_id: int, reviewer: User) -> KycCase:
    case = lock_case(case_id)
    if case.user_id == reviewer.pk:
        raise ReviewRefused("Nobody reviews themselves.")
    return case


def _check_decision(case: KycCase, status: KycStatus, valid_until: date | None, now: datetime) -> None:
    current = case.user.kyc_status
    if current == KycStatus.NOT_SUBMITTED:
        raise ReviewRefused("No document was sent yet.")
    if current == status:
        raise ReviewRefused(f"It is {case.user.get_kyc_status_display().lower()} already.")
    if status == KycStatus.APPROVED:
        _check_approval(case, valid_until, now)


def _check_approval(case: KycCase, valid_until: date | None, now: datetime) -> None:
    if not case.documents.current().exists():
        raise ReviewRefused("There is no document to base an approval on.")
    if case.documents.current().filter(scan=KycDocument.Scan.INFECTED).exists():
        raise ReviewRefused("The virus scanner found something in a document: reject it.")
    if screening.is_configured() and (details.unseal(case) is None or case.screened_at is None):
        raise ReviewRefused("The name was not given, so nobody could ask the sanctions list about it.")
    if case.open_hits:
        raise ReviewRefused("The name is on the sanctions list. Clear each hit first, or reject.")
    if valid_until is not None and valid_until < now.date():
        raise ReviewRefused("The document has expired.")


def needs_second(case: KycCase, status: KycStatus) -> bool:
    """A reversal, or an approval with high risk."""
    is_reversal = case.user.kyc_status != KycStatus.PENDING
    return is_reversal or (case.risk == KycCase.Risk.HIGH and status == KycStatus.APPROVED)


def _is_second(case: KycCase, status: KycStatus, reviewer: User) -> bool:
    return case.proposed_status == status and case.proposed_by_id not in {None, reviewer.pk}


def _propose(
    case: KycCase, status: KycStatus, reviewer: User, reason: str, now: datetime, origin: Origin
) -> None:
    if case.proposed_status == status:
        raise ReviewRefused("You proposed this already: it needs a second person.")
    case.proposed_status, case.proposed_by = status, reviewer
    case.save(update_fields=["proposed_status", "proposed_by"])
    _note(case, KycStep.Act.PROPOSE, reviewer, reason, now)
    _record(Action.KYC_DECIDE, case, origin, proposed=status, reason=reason)


def _note(case: KycCase, act: KycStep.Act, by: User, text: str, now: datetime) -> None:
    status = case.user.kyc_status
    KycStep.objects.create(case=case, act=act, from_status=status, to_status=status, by=by, text=text, at=now)


def _record(action: Action, case: KycCase, origin: Origin, **detail: str) -> None:
    audit.record(action, origin=origin, object=str(case.user.public_id), detail=detail)
