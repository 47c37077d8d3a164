"""How much of an account's money a copy may take."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db.models import Sum

from compliance.audit import Origin
from exchanges import gateway, loop
from exchanges.errors import ExchangeError
from exchanges.rounding import plain
from rest import codes
from rest.errors import Conflict, TryLater, invalid
from strategies.models import Strategy
from strategies.services import EXCHANGE_UNAVAILABLE, RETRY_SECONDS
from subscriptions.models import Subscription
from wallets.models import ExchangeAccount
from wallets.services import ANSWER_SECONDS, READS_ONLY, validate_account

INVALID_CREDENTIALS = codes.declare("invalid_credentials", "These credentials are not right.")
WITHDRAWAL_ENABLED = codes.declare(
    "withdrawal_enabled", "This key may withdraw, or the exchange does not tell: make one that only trades."
)
TRADING_DISABLED = codes.declare(
    READS_ONLY, "This key may read but not trade: allow spot trading at the exchange."
)
BELOW_MIN_CAPITAL = codes.declare(
    "below_min_capital", "The allocation is below what the strategy asks for at least."
)
ABOVE_FREE_BALANCE = codes.declare(
    "above_free_balance", "The allocation is more than what is free on the account."
)
BELOW_WHAT_IS_USED = codes.declare(
    "below_what_is_used", "More of the allocation than that is in use: sell or wait first."
)
ZERO = Decimal(0)


def free_at_venue(account: ExchangeAccount, asset: str, origin: Origin | None, now: datetime) -> Decimal:
    """Check the key at the venue now, and return what is free of an asset there."""
    by = origin or Origin(actor=str(account.owner.public_id))
    checked = validate_account(account=account, origin=by, now=now)
    if checked.status == ExchangeAccount.Status.INVALID:
        may_withdraw = checked.status_reason == WITHDRAWAL_ENABLED.name
        raise invalid(WITHDRAWAL_ENABLED if may_withdraw else INVALID_CREDENTIALS, attr="exchange_account")
    if checked.status == ExchangeAccount.Status.UNREACHABLE:
        raise TryLater(EXCHANGE_UNAVAILABLE, wait=RETRY_SECONDS)
    if checked.status_reason == TRADING_DISABLED.name:
        raise invalid(TRADING_DISABLED, attr="exchange_account")
    if asset == checked.quote:
        return checked.free_quote or ZERO
    try:
        balances = loop.run(gateway.fetch_balances(checked.open()), timeout=ANSWER_SECONDS)
    except (ExchangeError, TimeoutError):
        raise TryLater(EXCHANGE_UNAVAILABLE, wait=RETRY_SECONDS) from None
    return balances[asset].free if asset in balances else ZERO


def free_as_last_read(account: ExchangeAccount, asset: str) -> Decimal | None:
    """What copies leave of an asset on the account, without asking; None where it is not known."""
    if account.free_quote is None or account.quote != asset:
        return None
    left: Decimal = account.free_quote - _claimed_cash(account.pk, asset)
    return max(ZERO, left)


def allocation_within(
    strategy: Strategy, account: ExchangeAccount, wanted: Decimal | None, free: Decimal
) -> Decimal:
    """What following allocates of the account's free quote, by default all that other copies leave."""
    available = max(ZERO, free - _claimed_cash(account.pk, strategy.quote))
    amount = available if wanted is None else wanted
    if amount < strategy.min_capital:
        detail = f"{plain(amount)} {strategy.quote}; the strategy asks for {plain(strategy.min_capital)}."
        raise invalid(BELOW_MIN_CAPITAL, detail, attr="allocation")
    if amount > available or amount <= 0:
        detail = f"{plain(available)} {strategy.quote} is free on this account."
        raise invalid(ABOVE_FREE_BALANCE, detail, attr="allocation")
    return amount


def reallocate(subscription: Subscription, allocation: Decimal, free: Decimal | None) -> None:
    change = allocation - subscription.allocation
    strategy = subscription.strategy
    if allocation < strategy.min_capital:
        raise invalid(BELOW_MIN_CAPITAL, attr="allocation")
    if free is not None:
        ExchangeAccount.objects.select_for_update(no_key=True).get(pk=subscription.exchange_account_id)
        available = free - _claimed_cash(subscription.exchange_account_id, strategy.quote)
        if change > max(ZERO, available):
            raise invalid(ABOVE_FREE_BALANCE, attr="allocation")
    if subscription.available + change < 0:
        raise Conflict(BELOW_WHAT_IS_USED)
    subscription.cash += change


def _claimed_cash(account_id: int, quote: str) -> Decimal:
    """What other subscriptions may still spend of the account's quote. Their coins are not quote any more."""
    others = Subscription.objects.live().filter(exchange_account_id=account_id, strategy__quote=quote)
    total: Decimal | None = others.filter(cash__gt=0).aggregate(total=Sum("cash"))["total"]
    return total or ZERO
