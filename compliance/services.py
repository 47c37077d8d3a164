"""What changes the record: nothing but the erasing of a person."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from compliance import audit
from compliance.audit import Origin
from compliance.models import Action, AuditHead, AuditLink, AuditRecord


def erase_personal(person: UUID, *, origin: Origin, also: Iterable[UUID] = ()) -> int:
    """Remove address and program from all that the person did; the number of records.

    `also` names what else strangers' failures may name, such as the person's tokens. What was done and when
    stays, and the chain still verifies. Records of failed log-ins in the person's name are included.
    """
    names = [str(person), *map(str, also)]
    with transaction.atomic():
        # Nothing of the person may be sealed meanwhile: its salt would come back.
        AuditHead.objects.locked()
        theirs = AuditRecord.objects.about(names).exclude(ip=None, user_agent=None)
        AuditLink.objects.filter(record__in=theirs).update(salt=None)
        erased = theirs.update(ip=None, user_agent=None)
        audit.record(Action.PERSON_ERASE, origin=origin, object=str(person), detail={"records": erased})
    return erased
