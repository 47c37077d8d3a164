"""Moving every sealed secret under the first key of the ring, so that an old key can be taken away."""

from __future__ import annotations

from records import sealing
from wallets.models import ExchangeAccount


def reseal_all() -> int:
    """Seal anew what an older key sealed; how many were. May run while the platform works, and again."""
    resealed = 0
    sealed = ExchangeAccount.objects.connected().only("pk", "public_id", "sealed_credentials")
    for account in sealed.iterator():
        before, owner = account.sealed_credentials, str(account.public_id)
        if sealing.is_sealed_under_first_key(before):
            continue
        after = sealing.reseal(before, owner=owner)
        # Whoever changed the keys meanwhile has sealed them under the first key.
        same = ExchangeAccount.objects.filter(pk=account.pk, sealed_credentials=before)
        resealed += same.update(sealed_credentials=after)
    return resealed
