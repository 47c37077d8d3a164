"""What changes an identity check: sending documents, and the day's work on what was sent."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta

from django.db import transaction

from accounts.kyc import decoding, details, files, screening, virus_scan
from accounts.kyc.details import Details
from accounts.kyc.models import KycCase, KycDocument, KycStatus, KycStep
from accounts.kyc.refusals import INFECTED, FileRefused
from accounts.models import User
from compliance import audit
from compliance.audit import Origin
from compliance.models import Action, Outcome
from rest import codes
from rest.errors import Conflict

ALREADY_APPROVED = codes.declare(
    "already_approved", "Your identity is approved; documents are taken again when they expire."
)
TOO_MANY = codes.declare("too_many_documents", "You have sent 20 files, which is as many as are taken.")
STATUS_MOVED = codes.declare("kyc_status_moved", "The status changed meanwhile. Look again.")
MAX_UPLOADS = 20
ORPHANED_AFTER = timedelta(hours=1)
EXPIRED = "Your document expired on {day}. Send a valid one."


def case_of(user: User) -> KycCase:
    return KycCase.objects.get_or_create(user=user)[0]


def give_details(*, user: User, given: Details, now: datetime, origin: Origin) -> KycCase:
    """Keep what the person says of themselves, sealed; what was said before is replaced."""
    with transaction.atomic():
        case = lock_case(case_of(user).pk)
        _check_open(case)
        case.sealed_details = details.seal(given, case=case)
        # Another name is another question to the list.
        case.listed_as, case.cleared_names, case.screened_at = [], [], None
        case.save(update_fields=["sealed_details", "listed_as", "cleared_names", "screened_at"])
        audit.record(Action.KYC_SUBMIT, origin=origin, object=str(user.public_id), detail={"what": "details"})
    return screen(case=case, now=now)


def send_document(*, user: User, kind: str, data: bytes, now: datetime, origin: Origin) -> KycDocument:
    """Decode, scan and keep a file; the same kind again replaces. FileRefused, Conflict."""
    case = case_of(user)
    try:
        _check_takes_documents(case)
        return _decode_and_keep(case.pk, kind, data, now, origin)
    except (FileRefused, Conflict) as refused:
        code = refused.code.name if isinstance(refused, FileRefused) else refused.get_codes()
        audit.record(
            Action.KYC_SUBMIT,
            origin=origin,
            object=str(user.public_id),
            outcome=Outcome.REFUSED,
            detail={"kind": kind, "code": code},
        )
        raise


def _decode_and_keep(case_id: int, kind: str, data: bytes, now: datetime, origin: Origin) -> KycDocument:
    clean = decoding.decode(data)
    # As it was sent: what a scanner knows may not outlive decoding.
    scanned = virus_scan.scan(data)
    if scanned == KycDocument.Scan.INFECTED:
        raise FileRefused(INFECTED)
    document = KycDocument(
        kind=kind,
        media_type=clean.media_type,
        size=len(clean.content),
        sha256=hashlib.sha256(clean.content).hexdigest(),
        scan=scanned,
        uploaded_at=now,
        # Before the row: a file without a row is swept away, a row without its file would be a loss.
        stored_as=files.store(clean.content),
    )
    try:
        replaced = _keep(case_id, document, origin)
    except Conflict:
        files.remove(document.stored_as)
        raise
    for name in replaced:
        files.remove(name)
    return document


def _keep(case_id: int, document: KycDocument, origin: Origin) -> list[str]:
    """The row, and the case on its way to a reviewer. Returns the files that nobody needs any more."""
    with transaction.atomic(durable=True):
        case = lock_case(case_id)
        _check_takes_documents(case)
        replaced = _replace(case, document.kind, document.uploaded_at)
        document.case = case
        document.save()
        case.uploads += 1
        # What somebody proposed was about other documents.
        case.proposed_status, case.proposed_by = "", None
        if case.user.kyc_status != KycStatus.PENDING:
            case.submitted_at, case.reason, case.decided_at = document.uploaded_at, "", None
            move(case, KycStatus.PENDING, KycStep.Act.SUBMIT, now=document.uploaded_at)
        case.save(
            update_fields=[
                *("uploads", "submitted_at", "reason", "decided_at"),
                *("proposed_status", "proposed_by"),
            ]
        )
        audit.record(
            Action.KYC_SUBMIT,
            origin=origin,
            object=str(document.public_id),
            detail={"kind": document.kind, "sha256": document.sha256},
        )
    return replaced


def _replace(case: KycCase, kind: str, now: datetime) -> list[str]:
    """What a decision was based on stays; what nobody decided on is not needed any more."""
    names = []
    for old in case.documents.current().filter(kind=kind):
        old.replaced_at = now
        if not _was_decided_on(case, old):
            names.append(old.stored_as)
            old.stored_as = ""
        old.save(update_fields=["replaced_at", "stored_as"])
    return names


def _was_decided_on(case: KycCase, document: KycDocument) -> bool:
    return case.steps.filter(act=KycStep.Act.DECIDE, at__gte=document.uploaded_at).exists()


def move(
    case: KycCase, status: str, act: KycStep.Act, *, now: datetime, by: User | None = None, text: str = ""
) -> None:
    """A conditional UPDATE moves the person's status, a row says so. The caller holds the case's lock."""
    before = case.user.kyc_status
    moved = User.objects.filter(pk=case.user_id, kyc_status=before).update(kyc_status=status)
    if not moved:
        raise Conflict(STATUS_MOVED)
    case.user.kyc_status = status
    KycStep.objects.create(case=case, act=act, from_status=before, to_status=status, by=by, text=text, at=now)


def lock_case(case_id: int) -> KycCase:
    """The row, locked, with its person as they are now."""
    case = KycCase.objects.select_for_update(no_key=True).get(pk=case_id)
    # Not joined: whoever waited for the lock would see the person as they were before.
    case.user = User.objects.get(pk=case.user_id)
    return case


def screen(*, case: KycCase, now: datetime) -> KycCase:
    """Ask the list about the name. The file may be slow to read, so outside any lock."""
    given = details.unseal(case)
    if given is None or not screening.is_configured():
        return case
    hits = screening.listed_as(given.legal_name)
    # Only if the name is still the one that was asked about.
    same = KycCase.objects.filter(pk=case.pk, sealed_details=case.sealed_details)
    if same.update(listed_as=hits, screened_at=now):
        case.listed_as, case.screened_at = hits, now
    return case


def screen_all(*, now: datetime) -> int:
    """The list changes daily: ask again about everybody. How many are on it whom nobody cleared."""
    cases = KycCase.objects.exclude(sealed_details="").select_related("user")
    return sum(bool(screen(case=case, now=now).open_hits) for case in cases.iterator(chunk_size=500))


def expire(*, today: date, now: datetime) -> int:
    """Ask those for a new document whose approved one is not valid any more. Twice changes nothing."""
    expired = 0
    for case_id in list(KycCase.objects.expired(today).values_list("pk", flat=True)):
        with transaction.atomic():
            case = lock_case(case_id)
            # Somebody else may have been first.
            if case.valid_until is None or not KycCase.objects.expired(today).filter(pk=case_id).exists():
                continue
            reason = EXPIRED.format(day=case.valid_until.isoformat())
            move(case, KycStatus.REJECTED, KycStep.Act.EXPIRE, now=now, text=reason)
            # A new round: as many files as in the first.
            case.reason, case.decided_at, case.valid_until, case.uploads = reason, now, None, 0
            case.is_told = False
            case.save(update_fields=["reason", "decided_at", "valid_until", "uploads", "is_told"])
            audit.record(
                Action.KYC_DECIDE,
                origin=audit.SYSTEM,
                object=str(case.user.public_id),
                detail={"status": KycStatus.REJECTED, "reason": reason},
            )
            expired += 1
    return expired


def scan_again(*, limit: int = 100) -> int:
    """Scan what came in while there was no scanner; how many are known now."""
    waiting = KycDocument.objects.current().filter(scan=KycDocument.Scan.NOT_SCANNED).order_by("pk")[:limit]
    known = 0
    for document in waiting:
        result = virus_scan.scan(files.read(document.stored_as))
        if result == KycDocument.Scan.NOT_SCANNED:
            break
        known += KycDocument.objects.filter(pk=document.pk).update(scan=result)
    return known


def remove_orphans(*, now: datetime) -> int:
    """Remove files that no document names."""
    # Rows after files: an upload that ends meanwhile is young.
    before = now - ORPHANED_AFTER
    known = set(KycDocument.objects.exclude(stored_as="").values_list("stored_as", flat=True))
    names = files.orphans(known=known, before=before)
    for name in names:
        files.remove(name)
    return len(names)


def _check_open(case: KycCase) -> None:
    if case.user.kyc_status == KycStatus.APPROVED:
        raise Conflict(ALREADY_APPROVED)


def _check_takes_documents(case: KycCase) -> None:
    _check_open(case)
    if case.uploads >= MAX_UPLOADS:
        raise Conflict(TOO_MANY)
