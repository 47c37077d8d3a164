"""What people say of themselves, sealed at rest and bound to their case."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import date

from django_countries import countries

from accounts.kyc.models import KycCase
from records import sealing


@dataclass(frozen=True, slots=True)
class Details:
    """As on the document that was sent. Not for logs: its repr says nothing."""

    legal_name: str
    birth_date: date
    country: str
    document_number: str
    document_expires_on: date

    def __repr__(self) -> str:
        return "Details(…)"

    @property
    def country_name(self) -> str:
        return str(countries.name(self.country)) or self.country

    @property
    def number_hint(self) -> str:
        """Enough to recognise one's own document, too little to use it."""
        return f"…{self.document_number[-2:]}"


def seal(details: Details, *, case: KycCase) -> str:
    plain = json.dumps(dataclasses.asdict(details), default=date.isoformat)
    return sealing.seal(plain.encode(), owner=_owner(case))


def unseal(case: KycCase) -> Details | None:
    """None if none were given."""
    if not case.sealed_details:
        return None
    values = json.loads(sealing.unseal(case.sealed_details, owner=_owner(case)))
    for name in ("birth_date", "document_expires_on"):
        values[name] = date.fromisoformat(values[name])
    return Details(**values)


def reseal_all() -> int:
    """Seal anew what an older key sealed; how many were. May run while the platform works, and again."""
    resealed = 0
    sealed = KycCase.objects.exclude(sealed_details="").only("pk", "public_id", "sealed_details")
    for case in sealed.iterator():
        before = case.sealed_details
        if sealing.is_sealed_under_first_key(before):
            continue
        # Whoever changed them meanwhile has sealed them under the first key.
        same = KycCase.objects.filter(pk=case.pk, sealed_details=before)
        resealed += same.update(sealed_details=sealing.reseal(before, owner=_owner(case)))
    return resealed


def _owner(case: KycCase) -> str:
    return f"kyc:{case.public_id}"
