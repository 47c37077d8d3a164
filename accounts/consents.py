"""The terms and the disclosure of risks: which version is in force, and who accepted which.

A version is the day from which its text is in force. A changed text is a new template and a new version; the
old template stays, as it is what people accepted.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from accounts.models import Consent, User
from compliance import audit
from compliance.audit import Origin
from compliance.models import Action

Document = Consent.Document
# Each with all versions there were, the one in force last.
VERSIONS: dict[str, list[str]] = {Document.TERMS: ["2026-11-26"], Document.RISKS: ["2026-11-26"]}


def in_force(document: str) -> str:
    return VERSIONS[document][-1]


def give_consent(*, user: User, documents: Iterable[Document], origin: Origin, now: datetime) -> None:
    """Accept what is in force now. What was accepted before is not recorded again."""
    with transaction.atomic():
        for document in documents:
            version = in_force(document)
            _consent, is_new = Consent.objects.get_or_create(
                user=user, document=document, version=version, defaults={"given_at": now}
            )
            if is_new:
                audit.record(
                    Action.CONSENT_GIVE,
                    origin=origin,
                    object=str(user.public_id),
                    detail={"document": document.value, "version": version},
                )


def changed_since_accepted(user: User) -> list[Document]:
    """What the person accepted in an older version only."""
    accepted = set(Consent.objects.filter(user=user).values_list("document", "version"))
    return [
        document
        for document in Document
        if (document.value, in_force(document)) not in accepted
        and any(name == document.value for name, _version in accepted)
    ]
