"""Where a person stands, for the API and the page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from accounts.kyc import details as sealed
from accounts.kyc.details import Details
from accounts.kyc.models import KycCase, KycDocument, KycStatus
from accounts.kyc.services import MAX_UPLOADS
from accounts.models import User


@dataclass(frozen=True, slots=True)
class Standing:
    status: str
    reason: str
    details: Details | None
    documents: list[KycDocument]
    uploads_left: int
    valid_until: date | None

    @property
    def takes_documents(self) -> bool:
        return self.status != KycStatus.APPROVED and self.uploads_left > 0


def standing_of(user: User) -> Standing:
    """Two queries; asking leaves no row behind. As it is now: `user` may have been read before."""
    case = KycCase.objects.select_related("user").filter(user=user).first()
    if case is None:
        return Standing(user.kyc_status, "", None, [], MAX_UPLOADS, None)
    documents = list(case.documents.current().order_by("-pk"))
    left = max(0, MAX_UPLOADS - case.uploads)
    return Standing(case.user.kyc_status, case.reason, sealed.unseal(case), documents, left, case.valid_until)
