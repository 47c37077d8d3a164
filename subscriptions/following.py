"""Following a strategy: who may, and how it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import User
from compliance.audit import Origin
from rest import codes
from rest.errors import Conflict, invalid
from strategies.invites import services as invites
from strategies.models import Strategy
from strategies.services import (
    SYMBOL_NOT_LISTED,
    check_listed,
    lock_strategy,
    market_rules,
    needs_kyc,
    require_kyc,
)
from subscriptions import telling
from subscriptions.allocating import allocation_within, free_at_venue
from subscriptions.history import note
from subscriptions.masters import feeds_a_strategy
from subscriptions.models import History, Opening, Subscription
from wallets.models import ExchangeAccount

ALREADY_SUBSCRIBED = codes.declare("already_subscribed", "This account follows this strategy already.")
NOT_PUBLISHED = codes.declare("strategy_not_published", "This strategy cannot be followed now.")
NO_CAPACITY = codes.declare("no_capacity", "The strategy has as many followers as it takes.")
ACCOUNT_IS_MASTER = codes.declare(
    "account_is_master", "This account feeds a strategy; such an account does not follow."
)
FOLLOWS_ONCE = "an_account_follows_a_strategy_once"


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
    master_may_change: bool = False
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
    check_blocked(follower.pk, terms, strategy)
    free = free_at_venue(exchange_account, strategy.quote, origin, now)
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
            note([copy], History.Act.STARTED, by_id=follower.pk, now=now)
            telling.started(copy, now=now)
            return copy
    except IntegrityError as error:
        if FOLLOWS_ONCE not in str(error):
            raise
        raise Conflict(ALREADY_SUBSCRIBED) from None


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


def check_blocked(user_id: int, terms: Terms, strategy: Strategy) -> None:
    """Whether what is not to be copied is traded at all; raises the refusal."""
    blocked, attr = terms.symbols_blocked, "symbols_blocked"
    check_listed(user_id=user_id, symbols=blocked, kept=strategy.symbols, attr=attr)


def check_capacity(strategy: Strategy, follower: User) -> None:
    """Whether there is a place left, which the owner does not need; raises the refusal."""
    if strategy.max_followers is None or strategy.owner_id == follower.pk:
        return
    if Subscription.objects.following(strategy.pk).filter(own=False).count() >= strategy.max_followers:
        raise Conflict(NO_CAPACITY)


def missing_symbols(strategy: Strategy, account: ExchangeAccount) -> list[str]:
    """The strategy's symbols that the follower's venue does not trade."""
    if account.exchange == strategy.exchange_account.exchange:
        return []
    rules = market_rules(account.exchange)
    return [symbol for symbol in strategy.symbols if symbol not in rules or not rules[symbol].active]
