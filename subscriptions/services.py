"""Following a strategy, and what a follower may change afterwards.

Leaving looks at orders and positions and so is execution's: execution/leaving.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Sum

from accounts.models import User
from compliance.audit import Origin
from exchanges import gateway, loop
from exchanges.errors import ExchangeError
from exchanges.rounding import plain
from rest import codes
from rest.errors import Conflict, TryLater, invalid
from strategies.invites import services as invites
from strategies.models import Strategy
from strategies.services import (
    ACCOUNT_INVALID,
    EXCHANGE_UNAVAILABLE,
    RETRY_SECONDS,
    SYMBOL_NOT_LISTED,
    lock_strategy,
    market_rules,
    needs_kyc,
    require_kyc,
)
from subscriptions import telling
from subscriptions.masters import feeds_a_strategy, release_if_unfollowed
from subscriptions.models import Opening, Subscription
from subscriptions.telling import Why
from wallets.models import ExchangeAccount
from wallets.services import ANSWER_SECONDS, validate_account

log = structlog.get_logger(__name__)

INVALID_CREDENTIALS = codes.declare("invalid_credentials", "These credentials are not right.")
WITHDRAWAL_ENABLED = codes.declare(
    "withdrawal_enabled", "This key may withdraw, or the exchange does not tell: make one that only trades."
)
ALREADY_SUBSCRIBED = codes.declare("already_subscribed", "This account follows this strategy already.")
NOT_PUBLISHED = codes.declare("strategy_not_published", "This strategy cannot be followed now.")
NO_CAPACITY = codes.declare("no_capacity", "The strategy has as many followers as it takes.")
ACCOUNT_IS_MASTER = codes.declare(
    "account_is_master", "This account feeds a strategy; such an account does not follow."
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
LEVEL_STILL_REACHED = codes.declare(
    "level_still_reached",
    "What you realised is still beyond your stop-loss or take-profit: change or remove it, then resume.",
)
NOT_LIVE = codes.declare("subscription_not_live", "You are leaving, or have left, this strategy.")
PAUSED = codes.declare("subscription_paused", "Copying is paused, so nothing is bought: resume it first.")
FOLLOWS_ONCE = "an_account_follows_a_strategy_once"
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Terms:
    """How a follower wants to copy. `sizing_value` is a factor, or (fixed_notional) quote per order."""

    sizing_mode: str
    sizing_value: Decimal
    max_slippage_bps: int | None = None
    stop_loss_percent: Decimal | None = None
    take_profit_percent: Decimal | None = None
    symbols_blocked: list[str] = field(default_factory=list)
    on_unsubscribe: str = Subscription.OnUnsubscribe.KEEP
    on_master_lost: str = Subscription.OnMasterLost.HOLD
    copy_open_positions: bool = False

    def columns(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def follow(
    *,
    follower: User,
    strategy: Strategy,
    exchange_account: ExchangeAccount,
    allocation: Decimal | None,
    terms: Terms,
    now: datetime,
    origin: Origin | None = None,
    invite_code: str = "",
) -> Subscription:
    """Copy every signal from now on. None allocates all of the account's quote that is free."""
    # Asked at the venue in this moment, and before any lock: the key works, and this much is free.
    check_joining(follower, strategy, exchange_account)
    invite = invites.admit(strategy=strategy, user_id=follower.pk, code=invite_code, now=now)
    if not set(strategy.symbols) - set(missing_symbols(strategy, exchange_account)):
        raise invalid(SYMBOL_NOT_LISTED, "Your exchange trades none of its symbols.", attr="exchange_account")
    free = _free_at_venue(exchange_account, strategy.quote, origin or _by(follower), now)
    try:
        with transaction.atomic(durable=True):
            locked = lock_strategy(strategy.pk)
            account = ExchangeAccount.objects.select_for_update(no_key=True).get(pk=exchange_account.pk)
            if account.disconnected_at:
                raise invalid(codes.DOES_NOT_EXIST, attr="exchange_account")
            check_joining(follower, locked, account)
            check_capacity(locked, follower)
            # Once more under the lock: it may have become private meanwhile.
            invites.admit(strategy=locked, user_id=follower.pk, code=invite_code, now=now)
            if invite:
                invites.spend(invite=invite, now=now)
            amount = allocation_within(locked, account, allocation, free)
            copy = Subscription.objects.create(
                follower=follower,
                strategy=locked,
                exchange_account=account,
                allocation=amount,
                cash=amount,
                own=locked.owner_id == follower.pk,
                invite=invite,
                agreed_fee_percent=locked.performance_fee_percent,
                starts_after_number=locked.last_signal_number,
                created_at=now,
                **terms.columns(),
            )
            if terms.copy_open_positions:
                Opening.objects.create(subscription=copy, asked_at=now)
            telling.started(copy, now=now)
            return copy
    except IntegrityError as error:
        if FOLLOWS_ONCE not in str(error):
            raise
        raise Conflict(ALREADY_SUBSCRIBED) from None


def change_subscription(
    *,
    subscription: Subscription,
    changes: Mapping[str, Any],
    status: str | None = None,
    now: datetime,
    origin: Origin | None = None,
) -> Subscription:
    """Set what is given, `allocation` and fields of Terms, and pause or resume; all or nothing."""
    free = None
    if "allocation" in changes and changes["allocation"] > subscription.allocation:
        account, quote = subscription.exchange_account, subscription.strategy.quote
        free = _free_at_venue(account, quote, origin or _by(subscription.follower), now)
    with transaction.atomic(durable=True):
        locked = _lock_to_change(subscription.pk)
        if "allocation" in changes:
            _reallocate(locked, changes["allocation"], free)
        for name, value in changes.items():
            setattr(locked, name, value)
        locked.save(update_fields=["cash", *changes])
        _set_status(locked, status or locked.status, now)
    return locked


def pause(*, subscription: Subscription, now: datetime) -> Subscription:
    """Nothing more is bought; exits are still copied."""
    return _change_status(subscription, Subscription.Status.PAUSED, now)


def resume(*, subscription: Subscription, now: datetime) -> Subscription:
    return _change_status(subscription, Subscription.Status.ACTIVE, now)


def open_positions(*, subscription: Subscription, now: datetime) -> None:
    """Ask for what the master holds already to be opened. Asked again meanwhile, it is done once."""
    with transaction.atomic(durable=True):
        locked = _lock_to_change(subscription.pk)
        if locked.status == Subscription.Status.PAUSED:
            raise Conflict(PAUSED)
        if locked.strategy.status != Strategy.Status.PUBLISHED:
            raise Conflict(NOT_PUBLISHED)
        Opening.objects.get_or_create(subscription=locked, defaults={"asked_at": now})


def pause_all(*, follower: User, now: datetime) -> int:
    """Pause all that is active; return how many that were."""
    with transaction.atomic(durable=True):
        rows = lock_live_of(follower)
        active = [row.pk for row in rows if row.status == Subscription.Status.ACTIVE]
        return _pause(active, Why.YOU, now)


def pause_for_loss(*, subscription_ids: Sequence[int], now: datetime) -> int:
    """Their owner's limit for a day's loss was reached. The caller holds the rows' locks."""
    return _pause(subscription_ids, Why.DAILY_LOSS, now)


def pause_unapproved(*, now: datetime) -> int:
    """Pause what buys with real money for people who lost their approval; exits are still copied."""
    if not settings.KYC_REQUIRED:
        return 0
    with transaction.atomic(durable=True):
        rows = Subscription.objects.active_without_approval()
        locked = rows.select_for_update(of=("self",), no_key=True).order_by("pk").values_list("pk", flat=True)
        return _pause(list(locked), Why.APPROVAL, now)


def pause_suspended(*, now: datetime) -> int:
    """Pause what people follow who may not log in; exits are still copied."""
    with transaction.atomic(durable=True):
        rows = Subscription.objects.active_of_suspended()
        locked = rows.select_for_update(of=("self",), no_key=True).order_by("pk").values_list("pk", flat=True)
        return _pause(list(locked), Why.SUSPENSION, now)


def _pause(subscription_ids: Sequence[int], why: Why, now: datetime) -> int:
    """The caller holds the rows' locks."""
    rows = Subscription.objects.filter(pk__in=subscription_ids, status=Subscription.Status.ACTIVE)
    copies = list(rows.select_related("strategy"))
    telling.paused(copies, why, now=now)
    return rows.update(status=Subscription.Status.PAUSED)


def stop(*, subscription: Subscription, now: datetime) -> None:
    """Its stop-loss or take-profit was reached: paused until a person resumes. The caller holds its lock."""
    subscription.status, subscription.stopped_at = Subscription.Status.PAUSED, now
    subscription.save(update_fields=["status", "stopped_at"])


def start_closing(*, subscription: Subscription, positions: str) -> None:
    """Nothing is bought from here on. `positions` is `keep` or `close`. The caller holds the row's lock."""
    subscription.status = Subscription.Status.CLOSING
    subscription.on_unsubscribe = positions
    subscription.save(update_fields=["status", "on_unsubscribe"])


def end(*, subscription: Subscription, now: datetime) -> None:
    """Closed for good. The caller holds the row's lock and knows that nothing is left to do."""
    subscription.status, subscription.closed_at = Subscription.Status.CLOSED, now
    subscription.save(update_fields=["status", "closed_at"])
    telling.closed(subscription, now=now)
    release_if_unfollowed(strategy=lock_strategy(subscription.strategy_id))


def reopen(*, subscription_ids: Iterable[int]) -> None:
    """Take closed ones, into which a late fill came, back to `closing`. The caller holds the rows' locks."""
    for subscription_id in subscription_ids:
        try:
            with transaction.atomic():
                Subscription.objects.filter(pk=subscription_id, status=Subscription.Status.CLOSED).update(
                    status=Subscription.Status.CLOSING,
                    closed_at=None,
                    closing_number=F("closing_number") + 1,
                )
        except IntegrityError:
            # Its account follows the strategy anew, and an account follows it once: a person decides.
            log.error("fill_after_closing_stays", subscription_id=subscription_id)
        else:
            log.warning("reopened_by_a_fill", subscription_id=subscription_id)


def missing_symbols(strategy: Strategy, account: ExchangeAccount) -> list[str]:
    """The strategy's symbols that the follower's venue does not trade."""
    if account.exchange == strategy.exchange_account.exchange:
        return []
    rules = market_rules(account.exchange)
    return [symbol for symbol in strategy.symbols if symbol not in rules or not rules[symbol].active]


def lock_subscription(subscription_id: int) -> Subscription:
    """The row, locked. Whoever needs several takes them by id, and orders and positions after them."""
    rows = Subscription.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("follower", "strategy", "exchange_account").get(pk=subscription_id)


def lock_live_of(follower: User) -> list[Subscription]:
    """All that a person follows, locked in order of id: meanwhile no order of theirs is claimed."""
    # NO KEY: a fan-out, whose order of followers rotates, writes orders meanwhile and must not wait.
    rows = Subscription.objects.select_for_update(of=("self",), no_key=True).owned_by(follower.pk).live()
    return list(rows.order_by("pk"))


def _by(user: User) -> Origin:
    return Origin(actor=str(user.public_id))


def _free_at_venue(account: ExchangeAccount, asset: str, origin: Origin, now: datetime) -> Decimal:
    """Check the key at the venue now, and return what is free of an asset there."""
    checked = validate_account(account=account, origin=origin, now=now)
    if checked.status == ExchangeAccount.Status.INVALID:
        may_withdraw = checked.status_reason == WITHDRAWAL_ENABLED.name
        raise invalid(WITHDRAWAL_ENABLED if may_withdraw else INVALID_CREDENTIALS, attr="exchange_account")
    if checked.status == ExchangeAccount.Status.UNREACHABLE:
        raise TryLater(EXCHANGE_UNAVAILABLE, wait=RETRY_SECONDS)
    if asset == checked.quote:
        return checked.free_quote or ZERO
    try:
        balances = loop.run(gateway.fetch_balances(checked.open()), timeout=ANSWER_SECONDS)
    except (ExchangeError, TimeoutError):
        raise TryLater(EXCHANGE_UNAVAILABLE, wait=RETRY_SECONDS) from None
    return balances[asset].free if asset in balances else ZERO


def check_joining(follower: User, strategy: Strategy, account: ExchangeAccount) -> None:
    """Whether this account may follow the strategy at all; raises the refusal."""
    if strategy.status != Strategy.Status.PUBLISHED:
        raise Conflict(NOT_PUBLISHED)
    require_kyc(user=follower, account=account)
    if needs_kyc(user=strategy.owner, account=strategy.exchange_account):
        raise Conflict(NOT_PUBLISHED, "Its master's identity is not approved at present.")
    if feeds_a_strategy(account.pk):
        raise Conflict(ACCOUNT_IS_MASTER)
    if Subscription.objects.following(strategy.pk).filter(exchange_account=account).exists():
        raise Conflict(ALREADY_SUBSCRIBED)


def check_capacity(strategy: Strategy, follower: User) -> None:
    """Whether there is a place left, which the owner does not need; raises the refusal."""
    if strategy.max_followers is None or strategy.owner_id == follower.pk:
        return
    if Subscription.objects.following(strategy.pk).filter(own=False).count() >= strategy.max_followers:
        raise Conflict(NO_CAPACITY)


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


def _claimed_cash(account_id: int, quote: str) -> Decimal:
    """What other subscriptions may still spend of the account's quote. Their coins are not quote any more."""
    others = Subscription.objects.live().filter(exchange_account_id=account_id, strategy__quote=quote)
    total: Decimal | None = others.filter(cash__gt=0).aggregate(total=Sum("cash"))["total"]
    return total or ZERO


def _reallocate(subscription: Subscription, allocation: Decimal, free: Decimal | None) -> None:
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


def _lock_to_change(subscription_id: int) -> Subscription:
    locked = lock_subscription(subscription_id)
    if locked.status in (Subscription.Status.CLOSING, Subscription.Status.CLOSED):
        raise Conflict(NOT_LIVE)
    return locked


def _change_status(subscription: Subscription, status: str, now: datetime) -> Subscription:
    with transaction.atomic(durable=True):
        locked = _lock_to_change(subscription.pk)
        _set_status(locked, status, now)
    return locked


def _set_status(subscription: Subscription, status: str, now: datetime) -> None:
    if subscription.status == status:
        return
    if status == Subscription.Status.ACTIVE:
        _check_resuming(subscription)
        subscription.stopped_at = None
    subscription.status = status
    subscription.save(update_fields=["status", "stopped_at"])
    if status == Subscription.Status.ACTIVE:
        telling.resumed(subscription, now=now)
    else:
        telling.paused([subscription], Why.YOU, now=now)


def _check_resuming(subscription: Subscription) -> None:
    account = subscription.exchange_account
    if account.status == ExchangeAccount.Status.INVALID or account.disconnected_at:
        raise Conflict(ACCOUNT_INVALID)
    require_kyc(user=subscription.follower, account=account)
    # Else it would stop again with the first coin it buys.
    if subscription.level_reached(subscription.realised_pnl):
        raise Conflict(LEVEL_STILL_REACHED)
