"""Who needs an exchange account: the one question that wallets must ask and cannot answer."""

from __future__ import annotations

from strategies.models import Strategy
from subscriptions.models import Subscription


def is_in_use(account_id: int) -> bool:
    """Whether a live subscription, or a strategy that is published or still followed, uses it."""
    live = Subscription.objects.live()
    return (
        live.filter(exchange_account_id=account_id).exists()
        or live.filter(strategy__exchange_account_id=account_id).exists()
        or Strategy.objects.filter(exchange_account_id=account_id, status=Strategy.Status.PUBLISHED).exists()
    )
