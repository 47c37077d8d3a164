"""How long the law keeps what identifies a client, and removing it afterwards."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from accounts.kyc import files
from accounts.kyc.models import KycCase, KycDocument, KycStep
from accounts.models import User

# As long as records of a client's identification must be kept.
KEPT = timedelta(days=5 * 365 + 2)


def kept_until(case: KycCase) -> datetime:
    """Counted from the last that happened to it."""
    return (case.decided_at or case.submitted_at or case.created_at) + KEPT


def forget(*, user: User) -> None:
    """Remove a person's identity check, its files and its history. Twice changes nothing.

    IntegrityError: the database keeps a step of it that is younger than the law asks.
    """
    with transaction.atomic():
        documents = KycDocument.objects.owned_by(user.pk)
        names = list(documents.exclude(stored_as="").values_list("stored_as", flat=True))
        documents.delete()
        KycStep.objects.filter(case__user=user).delete()
        KycCase.objects.filter(user=user).delete()
    # A file that stays because this is killed here is one that no document names: it is swept away.
    for name in names:
        files.remove(name)


def forget_old_documents(*, now: datetime) -> int:
    """Remove the files of documents that were replaced so long ago; how many. The rows stay."""
    old = KycDocument.objects.filter(replaced_at__lt=now - KEPT).exclude(stored_as="")
    forgotten = 0
    for document in old.iterator():
        forgotten += KycDocument.objects.filter(pk=document.pk).update(stored_as="")
        files.remove(document.stored_as)
    return forgotten
