"""Telling people: applicants what was decided, reviewers whom the sanctions list has now."""

from __future__ import annotations

from smtplib import SMTPException

import structlog
from django.core.cache import cache
from django.core.mail import send_mail
from django.utils.translation import gettext as _

from accounts.kyc.models import KycCase, KycStatus
from accounts.models import User
from accounts.roles import Role

BATCH = 50
# For so long nobody else sends the mail that one process is sending.
LEASE_SECONDS = 120
log = structlog.get_logger(__name__)


def tell_applicants() -> int:
    """Mail each decision that its applicant has not heard of; how many.

    Sent first and marked after: killed between the two, it is told twice rather than never.
    """
    waiting = KycCase.objects.filter(is_told=False).select_related("user").order_by("pk")[:BATCH]
    return sum(_tell_once(case) for case in waiting)


def _tell_once(case: KycCase) -> bool:
    decided = case.decided_at.timestamp() if case.decided_at else 0
    lease = f"kyc-told:{case.pk}:{decided}"
    if not cache.add(lease, True, timeout=LEASE_SECONDS):
        return False
    try:
        _tell(case)
    except (OSError, SMTPException) as error:
        # One address that no mail reaches must not keep the others waiting.
        log.warning("decision_not_told", case=str(case.public_id), error=type(error).__name__)
        cache.delete(lease)
        return False
    # Not if something else was decided meanwhile.
    return bool(KycCase.objects.filter(pk=case.pk, decided_at=case.decided_at).update(is_told=True))


def _tell(case: KycCase) -> None:
    person = case.user
    if person.kyc_status == KycStatus.APPROVED:
        subject = _("Your identity is approved")
        todo = _("You can publish strategies and copy with real money now.")
    elif person.kyc_status == KycStatus.REJECTED:
        subject = _("Your identity was not approved")
        todo = _("Open Identity check in your account menu, read the reason and send another document.")
    else:
        # A new document came in meanwhile: that decision is history.
        return
    body = _(
        "%(subject)s, on %(at)s UTC.\n\nReason: %(reason)s\n\n%(todo)s\n\n"
        "You get this mail because you sent documents for an identity check. It cannot be turned off.\n"
    ) % {
        "subject": subject,
        "at": f"{case.decided_at:%Y-%m-%d %H:%M}",
        "reason": case.reason,
        "todo": todo,
    }
    send_mail(subject, body, None, [person.email])


def tell_reviewers(*, hits: int) -> None:
    """That there is work; no names in a mail."""
    reviewers = User.objects.filter(groups__name=Role.COMPLIANCE, is_active=True)
    body = _(
        "The sanctions list has %(hits)s of the people who sent documents, and nobody has cleared them.\n\n"
        "In the admin, choose KYC and the filter On the sanctions list.\n"
    ) % {"hits": hits}
    for address in reviewers.order_by("pk").values_list("email", flat=True):
        send_mail(_("On the sanctions list: %s") % hits, body, None, [address])
