"""What copying would have done, and what a signal would do: read and worked out, nothing stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal, localcontext

from accounts.models import User
from exchanges import gateway, loop
from exchanges.errors import ExchangeError
from exchanges.rounding import EXACT
from execution import services
from execution.claiming import coins_that_differ
from execution.decisions import Facts, Rules, decide
from execution.fan_out import order_of, purchase_of
from execution.orders import Order
from execution.replay import Copier, Replay, by_number, cuts_of, replay
from execution.rules import rules_of
from execution.silence import why_no_entry
from execution.states import Status
from execution.thin import shares_of
from execution.usage import Allowances, allowances_of
from ledger.booking import known_positions
from ledger.models import Position
from ledger.valuation import fresh_prices
from rest import codes
from rest.errors import TryLater, invalid
from risk.checks import Limits
from risk.models import RiskLimits, SubscriptionLimits
from risk.platform import stops_in_force
from strategies.models import PerformanceSnapshot, Signal, Strategy
from strategies.services import EXCHANGE_UNAVAILABLE, RETRY_SECONDS, SYMBOL_NOT_LISTED, market_rules
from subscriptions import allocating, following
from subscriptions.following import Terms, check_blocked
from subscriptions.models import Subscription
from subscriptions.relations import Relation, next_followers
from subscriptions.sizing import exit_fraction
from wallets.access import sealed_accounts
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
    """What `followers` would do with a signal at this `price`: `amount` base is copied in all.

    `cut` of those that copy would take less than their settings ask for, by cause.
    """

    price: Decimal
    followers: int
    copied: int
    amount: Decimal
    skipped: Mapping[str, int]
    cut: Mapping[str, int]


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
    check_blocked(follower.pk, terms, strategy)
    since = datetime.combine(now.astimezone(UTC).date() - timedelta(days=days), time.min, tzinfo=UTC)
    signals, is_cut = _past_signals(strategy, since)
    limits = RiskLimits.objects.by_user([follower.pk]).get(follower.pk, Limits())
    copier = Copier(_copy(follower, allocation, terms), exchange, follower.time_zone, limits)
    return Preview(since, is_cut, replay(signals, strategy, copier, market_rules(exchange)))


def preview_signal(*, strategy: Strategy, request: services.Request, now: datetime) -> SignalPreview:
    """What everybody would do if the master's order filled now; refused as the signal would be."""
    services.check_request(strategy, request, now)
    price = request.price or _price_now(strategy, request.symbol, now)
    signal = _signal_of(strategy, request, price, now)
    amount, copied, skipped, cut = ZERO, 0, Counter[str](), Counter[str]()
    with localcontext(EXACT):
        for order in _decided(signal, now):
            if order.status == Status.SUBMITTING:
                copied += 1
                amount += order.requested_amount or ZERO
                cut.update(cuts_of(order))
            else:
                skipped[order.reason_code] += 1
    return SignalPreview(price, copied + skipped.total(), copied, amount, by_number(skipped), by_number(cut))


def _past_signals(strategy: Strategy, since: datetime) -> tuple[list[Signal], bool]:
    """Oldest first, and whether there were more. By number, which an index orders."""
    rows = list(
        Signal.objects.filter(strategy=strategy, number__isnull=False).order_by("-number")[: MOST_TRADES + 1]
    )
    recent = [row for row in rows if row.at and row.at >= since]
    for row in recent:
        row.strategy = strategy
    return list(reversed(recent[:MOST_TRADES])), len(recent) > MOST_TRADES


def _copy(follower: User, allocation: Decimal, terms: Terms) -> Relation:
    """The copy that following would begin; it is in no table, so any number names it."""
    return Relation(
        id=1,
        follower_id=follower.pk,
        exchange_account_id=1,
        status=Subscription.Status.ACTIVE.value,
        allocation=allocation,
        cash=allocation,
        reserved=ZERO,
        realised_pnl=ZERO,
        sizing_mode=terms.sizing_mode,
        sizing_value=terms.sizing_value,
        max_slippage_bps=terms.max_slippage_bps,
        symbols_blocked=terms.symbols_blocked,
    )


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


def _signal_of(strategy: Strategy, request: services.Request, price: Decimal, now: datetime) -> Signal:
    """What the watcher would record if the order filled whole at this price. Never saved."""
    read = PerformanceSnapshot.objects.filter(strategy=strategy).order_by("-at").first()
    return Signal(
        strategy=strategy,
        number=strategy.last_signal_number + 1,
        symbol=request.symbol,
        side=request.side,
        amount=request.amount,
        price=price,
        master_equity=read.equity if read else strategy.exchange_account.equity,
        exit_fraction=_exit_fraction(strategy, request, price) if request.side == "sell" else None,
        order_amount=request.amount,
        at=now,
        detected_at=now,
    )


def _exit_fraction(strategy: Strategy, request: services.Request, price: Decimal) -> Decimal:
    rules = market_rules(strategy.exchange_account.exchange)[request.symbol]
    held = Position.objects.of_master(strategy.pk).filter(symbol=request.symbol).first()
    with localcontext(EXACT):
        smallest = max(rules.lot_step, rules.min_quantity, rules.min_notional / price)
    return exit_fraction(
        sold=request.amount, book=held.held if held else ZERO, holding=None, smallest=smallest
    )


def _decided(signal: Signal, now: datetime) -> Iterator[Order]:
    """Each follower's order as its claim would leave it, in as many queries for many as for one."""
    strategy = signal.strategy
    followers = Subscription.objects.following(strategy.pk)
    rules = rules_of(followers.values_list("exchange_account__exchange", flat=True).distinct())
    allowances = allowances_of(
        RiskLimits.objects.by_user(followers.values_list("follower_id", flat=True)),
        SubscriptionLimits.objects.by_subscription(followers.values_list("pk", flat=True)),
        [strategy.quote],
        now=now,
    )
    signal.thin_shares = shares_of(signal, now=now)
    stop = None if signal.is_exit else why_no_entry(strategy_id=strategy.pk, symbol=signal.symbol, now=now)
    wanted = None if signal.is_exit else purchase_of(signal, stop)
    last = 0
    while relations := next_followers(strategy.pk, above=last, most=FOLLOWERS_AT_ONCE):
        facts = _facts(signal, relations, rules, allowances, now)
        for relation in relations.values():
            order = order_of(signal, relation, facts, now, wanted)
            if order.status == Status.PENDING:
                decide(order, facts, now)
            yield order
        last = max(relations)
        if len(relations) < FOLLOWERS_AT_ONCE:
            return


def _facts(
    signal: Signal,
    relations: dict[int, Relation],
    rules: dict[str, Rules | None],
    allowances: Allowances,
    now: datetime,
) -> Facts:
    """What a claim would read under its locks, read without any."""
    accounts = sealed_accounts({row.exchange_account_id for row in relations.values()})
    return Facts(
        relations=relations,
        accounts=accounts,
        rules=rules,
        allowances=allowances,
        stops=stops_in_force(),
        venue_now={access.exchange: now for access in accounts.values()},
        positions=known_positions((signal.strategy_id, key, signal.symbol) for key in relations),
        differing=coins_that_differ(accounts),
    )
