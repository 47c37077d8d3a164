"""Telling people: applicants what was decided, reviewers whom the sanctions list has now."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.kyc.models import KycCase, KycStatus
from accounts.models import User
from accounts.notifications.kinds import NotificationKind
from accounts.notifications.services import notify
from accounts.notifications.words import moment
from accounts.roles import Role

BATCH = 50


def tell_applicants(*, now: datetime) -> int:
    """Tell each applicant of the decision that they have not heard of; how many. Twice changes nothing."""
    waiting = KycCase.objects.filter(is_told=False).select_related("user").order_by("pk")[:BATCH]
    return sum(_tell_once(case, now) for case in waiting)


def _tell_once(case: KycCase, now: datetime) -> bool:
    with transaction.atomic():
        # Not if something else was decided meanwhile.
        same = KycCase.objects.filter(pk=case.pk, decided_at=case.decided_at, is_told=False)
        is_first = bool(same.update(is_told=True))
        if is_first:
            _tell(case, now)
    return is_first


def _tell(case: KycCase, now: datetime) -> None:
    if case.user.kyc_status == KycStatus.APPROVED:
        title = _("Your identity is approved")
        todo = _("You can publish strategies and copy with real money now.")
    elif case.user.kyc_status == KycStatus.REJECTED:
        title = _("Your identity was not approved")
        todo = _("Open Identity check in your account menu, read the reason and send another document.")
    else:
        # A new document came in meanwhile: that decision is history.
        return
    at = moment(case.decided_at or now, case.user.time_zone)
    body = _("Decided on %(at)s.\n\nReason: %(reason)s\n\n%(todo)s")
    notify(
        user_ids=[case.user_id],
        kind=NotificationKind.KYC_DECIDED,
        title=title,
        body=body % {"at": at, "reason": case.reason, "todo": todo},
        link=reverse("kyc"),
        now=now,
        dedupe=f"{case.public_id}:{case.decided_at:%Y-%m-%d %H:%M}:{case.user.kyc_status}",
    )


def tell_reviewers(*, hits: int, now: datetime) -> int:
    """That there is work, once a day; no names in a mail."""
    reviewers = User.objects.filter(groups__name=Role.COMPLIANCE, is_active=True)
    sentence = _("The sanctions list has %s of the people who sent documents, and nobody has cleared them.")
    return notify(
        user_ids=reviewers.values_list("pk", flat=True),
        kind=NotificationKind.SANCTIONS_HIT,
        title=_("On the sanctions list: %s") % hits,
        body=sentence % hits,
        link=f"{reverse('admin:accounts_kyccase_changelist')}?work=listed",
        now=now,
        dedupe=now.date().isoformat(),
    )
