"""What copying would have done, and what a signal would do: read and worked out, nothing stored."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal, localcontext

from django.db.models import Sum

from accounts.models import User
from exchanges import gateway, loop
from exchanges.errors import ExchangeError
from exchanges.rounding import EXACT
from exchanges.types import MarketRules
from execution import entries, services
from execution.copy_rules import Copier, Decision, MasterTrade, SubAccount, decide_entry, decide_exit
from execution.reasons import Reason
from execution.replay import Replay, replay
from execution.rules import rules_of
from execution.silence import why_no_entry
from ledger.models import Position
from ledger.valuation import fresh_prices
from rest import codes
from rest.errors import TryLater, invalid
from risk.checks import Limits
from risk.models import KillSwitch, RiskLimits
from strategies.models import PerformanceSnapshot, Signal, Strategy
from strategies.services import EXCHANGE_UNAVAILABLE, RETRY_SECONDS, SYMBOL_NOT_LISTED, market_rules
from subscriptions import allocating, following
from subscriptions.following import Terms
from subscriptions.models import Subscription
from subscriptions.sizing import exit_fraction
from wallets.models import ExchangeAccount
from wallets.services import ANSWER_SECONDS

DAYS, MOST_DAYS = 90, 365
MOST_TRADES = 5000
FOLLOWERS_AT_ONCE = 2000
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Preview:
    """`since` is the midnight from which trades count; `is_cut`: only the last MOST_TRADES of them did."""

    since: datetime
    is_cut: bool
    replay: Replay


@dataclass(frozen=True, slots=True)
class SignalPreview:
    """What `followers` would do with a signal at this `price`: `amount` base is copied in all."""

    price: Decimal
    followers: int
    copied: int
    amount: Decimal
    skipped: Mapping[str, int]


def shows_trades_to(strategy: Strategy, user_id: int | None) -> bool:
    """Whether the master lets this person see the trades of a strategy that they may see."""
    visible_to, choice = strategy.positions_visible_to, Strategy.PositionsVisibleTo
    if strategy.owner_id == user_id or visible_to == choice.EVERYONE:
        return True
    follows = Subscription.objects.live().filter(strategy=strategy, follower_id=user_id)
    return visible_to == choice.FOLLOWERS and follows.exists()


def allocation_to_preview(
    *, follower: User, strategy: Strategy, account: ExchangeAccount, wanted: Decimal | None
) -> Decimal:
    """What following would allocate, or its refusal; free is what the venue last told us, it is not asked."""
    following.check_joining(follower, strategy, account)
    if not set(strategy.symbols) - set(following.missing_symbols(strategy, account)):
        raise invalid(SYMBOL_NOT_LISTED, "Your exchange trades none of its symbols.", attr="exchange_account")
    following.check_capacity(strategy, follower)
    free = account.free_quote if account.quote == strategy.quote else None
    if free is None and wanted is None:
        raise invalid(codes.REQUIRED, "What is free on this account is not known.", attr="allocation")
    return allocating.allocation_within(
        strategy, account, wanted, Decimal("Infinity") if free is None else free
    )


def preview_subscription(
    *,
    follower: User,
    strategy: Strategy,
    exchange: str,
    allocation: Decimal,
    terms: Terms,
    days: int,
    now: datetime,
) -> Preview:
    """The strategy's trades since midnight (UTC) `days` ago, copied with these terms and today's limits."""
    since = datetime.combine(now.astimezone(UTC).date() - timedelta(days=days), time.min, tzinfo=UTC)
    trades, is_cut = _past_trades(strategy, since)
    limits = RiskLimits.objects.by_user([follower.pk]).get(follower.pk, Limits())
    # Never saved: the terms in the form that the rules take.
    wanted = Subscription(strategy=strategy, follower=follower, allocation=allocation, **terms.columns())
    copier = _copier(wanted, strategy, {trade.symbol for trade in trades}, limits)
    return Preview(since, is_cut, replay(trades, copier, market_rules(exchange)))


def preview_signal(*, strategy: Strategy, request: services.Request, now: datetime) -> SignalPreview:
    """What everybody would do if the master's order filled now; refused as the signal would be."""
    services.check_request(strategy, request, now)
    price = request.price or _price_now(strategy, request.symbol, now)
    trade = _trade_of(strategy, request, price, now)
    amount, copied, skipped = ZERO, 0, Counter[str]()
    for decision in _decisions(strategy, trade):
        if decision.reason:
            skipped[decision.reason] += 1
        else:
            copied += 1
            amount += decision.quantity
    return SignalPreview(price, copied + skipped.total(), copied, amount, dict(skipped.most_common()))


def _past_trades(strategy: Strategy, since: datetime) -> tuple[list[MasterTrade], bool]:
    """Oldest first, and whether there were more. By number, which an index orders."""
    rows = list(
        Signal.objects.filter(strategy=strategy, number__isnull=False).order_by("-number")[: MOST_TRADES + 1]
    )
    recent = [row for row in rows if row.at and row.at >= since]
    return [_past_trade(row, strategy) for row in reversed(recent[:MOST_TRADES])], len(recent) > MOST_TRADES


def _past_trade(signal: Signal, strategy: Strategy) -> MasterTrade:
    assert signal.at is not None and signal.price is not None  # noqa: S101 - a table constraint
    age = (signal.detected_at or signal.at) - signal.at
    return MasterTrade(
        at=signal.at,
        symbol=signal.symbol,
        side=signal.side,
        amount=signal.amount,
        price=signal.price,
        equity=signal.master_equity,
        order_amount=signal.order_amount,
        exit_fraction=signal.exit_fraction,
        refusal="" if signal.symbol in strategy.symbols else Reason.SYMBOL_DROPPED,
        is_late=age > timedelta(seconds=strategy.max_signal_age_seconds),
    )


def _copier(follower: Subscription, strategy: Strategy, symbols: set[str], limits: Limits) -> Copier:
    return Copier(
        mode=follower.sizing_mode,
        value=follower.sizing_value,
        allocation=follower.allocation,
        quote=strategy.quote,
        limits=limits,
        slippage_bps={
            symbol: entries.max_slippage_bps(follower.max_slippage_bps, symbol) for symbol in symbols
        },
        symbols_blocked=frozenset(follower.symbols_blocked),
        refusal=_refusal_of(follower),
    )


def _refusal_of(follower: Subscription) -> str:
    """The rule by which a follower of this status takes no entry, or empty."""
    reasons = {Subscription.Status.PAUSED: Reason.PAUSED, Subscription.Status.CLOSING: Reason.CLOSING}
    return reasons.get(Subscription.Status(follower.status), "")


def _price_now(strategy: Strategy, symbol: str, now: datetime) -> Decimal:
    """The last price at the master's exchange: in the books where fresh, else asked for."""
    exchange = strategy.exchange_account.exchange
    known = fresh_prices([(exchange, symbol)], now=now).get((exchange, symbol))
    if known is not None:
        return known
    try:
        quotes = loop.run(gateway.fetch_quotes(exchange, [symbol]), timeout=ANSWER_SECONDS)
    except (ExchangeError, TimeoutError):
        quotes = {}
    if symbol not in quotes or quotes[symbol].last <= 0:
        raise TryLater(EXCHANGE_UNAVAILABLE, "No price is known now.", wait=RETRY_SECONDS)
    return quotes[symbol].last


def _trade_of(strategy: Strategy, request: services.Request, price: Decimal, now: datetime) -> MasterTrade:
    """The trade that the watcher would see if the order filled whole at this price."""
    account = strategy.exchange_account
    read = PerformanceSnapshot.objects.filter(strategy=strategy).order_by("-at").first()
    equity = read.equity if read else account.equity
    return MasterTrade(
        at=now,
        symbol=request.symbol,
        side=request.side,
        amount=request.amount,
        price=price,
        equity=equity,
        order_amount=request.amount,
        exit_fraction=_exit_fraction(strategy, request, price) if request.side == "sell" else None,
        refusal=why_no_entry(strategy_id=strategy.pk, symbol=request.symbol, now=now) or "",
    )


def _exit_fraction(strategy: Strategy, request: services.Request, price: Decimal) -> Decimal:
    rules = market_rules(strategy.exchange_account.exchange)[request.symbol]
    held = Position.objects.of_master(strategy.pk).filter(symbol=request.symbol).first()
    with localcontext(EXACT):
        smallest = max(rules.lot_step, rules.min_quantity, rules.min_notional / price)
    return exit_fraction(
        sold=request.amount, book=held.held if held else ZERO, holding=None, smallest=smallest
    )


def _decisions(strategy: Strategy, trade: MasterTrade) -> Iterator[Decision]:
    """Each follower's, in as many queries for many as for one."""
    followers = Subscription.objects.following(strategy.pk)
    rules = rules_of(followers.values_list("exchange_account__exchange", flat=True).distinct())
    limits = RiskLimits.objects.by_user(followers.values_list("follower_id", flat=True))
    held = {
        subscription_id: (target, amount)
        for subscription_id, target, amount in Position.objects.filter(
            strategy=strategy, subscription__isnull=False, symbol=trade.symbol
        ).values_list("subscription_id", "target", "held")
    }
    open_before = _open_of({pk for pk, row in limits.items() if row.max_open_notional is not None})
    for follower in followers.select_related("exchange_account").iterator(FOLLOWERS_AT_ONCE):
        target, amount = held.get(follower.pk, (ZERO, ZERO))
        account = SubAccount(
            target=target,
            held=amount,
            cash=follower.available,
            realised_pnl=follower.realised_pnl,
            open_before=open_before.get(follower.follower_id, {}),
        )
        copier = _copier(follower, strategy, {trade.symbol}, limits.get(follower.follower_id, Limits()))
        yield _decision(trade, follower, copier, account, rules.get(follower.exchange_account.exchange))


def _open_of(user_ids: set[int]) -> dict[int, dict[str, Decimal]]:
    """Cost of open positions and cash reserved for entries, by person and quote."""
    sums: dict[int, dict[str, Decimal]] = {user_id: defaultdict(Decimal) for user_id in user_ids}
    if not user_ids:
        return sums
    held = Position.objects.open().filter(subscription__follower_id__in=user_ids)
    reserved = Subscription.objects.live().filter(follower_id__in=user_ids)
    rows = held.values_list("subscription__follower_id", "strategy__quote").annotate(Sum("cost"))
    more = reserved.values_list("follower_id", "strategy__quote").annotate(Sum("reserved"))
    for user_id, quote, amount in [*rows, *more]:
        sums[user_id][quote] += amount
    return sums


def _decision(
    trade: MasterTrade,
    follower: Subscription,
    copier: Copier,
    account: SubAccount,
    markets: Mapping[str, MarketRules] | None,
) -> Decision:
    own = follower.exchange_account
    if own.status == ExchangeAccount.Status.INVALID or own.disconnected_at:
        return Decision(ZERO, account.target, Reason.ACCOUNT_INVALID)
    if markets is None:
        return Decision(ZERO, account.target, Reason.VENUE_UNAVAILABLE)
    if trade.side == "buy":
        return decide_entry(trade, copier, account, markets.get(trade.symbol))
    if copier.limits.kill_switch == KillSwitch.FREEZE:
        return Decision(ZERO, account.target, Reason.KILL_SWITCH)
    return decide_exit(trade, account, markets.get(trade.symbol))
