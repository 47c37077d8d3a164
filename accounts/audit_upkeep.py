"""The part of the audit record's upkeep that has to know people and tokens."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import partial
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import AccessToken, User
from accounts.notifications.kinds import NotificationKind
from accounts.notifications.services import notify
from accounts.roles import Role
from compliance import retention, signing
from compliance.models import AuditHead
from compliance.retention import Purged


def purge_audit(*, now: datetime) -> Purged:
    """Remove the records whose time is over."""
    return retention.purge(now=now, living=partial(_living, now=now))


def tell_audit_head(*, now: datetime) -> int:
    """Give each auditor the head, once a day: whoever keeps it can show that the end was cut off later."""
    head = AuditHead.objects.now()
    auditors = User.objects.filter(groups__name=Role.AUDITOR, is_active=True)
    body = _(
        "The audit record of this platform ended so:\n\n"
        "sequence    %(sequence)s\nhash        %(hash)s\nsignature   %(signature)s\npublic key  %(key)s\n\n"
        "Keep this mail. To check later that nothing before it was changed or cut off, the operator runs\n"
        "  manage.py verify_audit_chain --head %(sequence)s:%(hash)s\n"
        "and an export that contains this sequence is checked with\n"
        "  python verify_audit_export.py FILE --public-key %(key)s --head %(sequence)s:%(hash)s"
    ) % {
        "sequence": head.sequence,
        "hash": bytes(head.hash).hex(),
        "signature": bytes(head.signature).hex(),
        "key": signing.public_key(),
    }
    return notify(
        user_ids=auditors.values_list("pk", flat=True),
        kind=NotificationKind.AUDIT_HEAD,
        title=_("Head of the audit record: %s") % head.sequence,
        body=body,
        link=reverse("audit"),
        now=now,
        dedupe=now.date().isoformat(),
    )


def _living(tokens: Collection[UUID], *, now: datetime) -> Collection[UUID]:
    found = AccessToken.objects.filter(public_id__in=tokens).not_over(now=now)
    return set(found.values_list("public_id", flat=True))
