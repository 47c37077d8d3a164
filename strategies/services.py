"""What masters do with their strategies. Whether somebody follows is judged in subscriptions/."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.utils.text import slugify

from accounts.models import User
from exchanges import gateway
from exchanges.errors import ExchangeError, VenueNotSupported
from exchanges.types import MarketRules
from records.fields import uuid7
from rest import codes
from rest.errors import Conflict, Forbidden, TryLater, invalid
from strategies.models import Strategy, StrategySymbol
from wallets.models import ExchangeAccount

KYC_REQUIRED = codes.declare("kyc_required", "This needs an approved identity check; paper accounts do not.")
SYMBOL_TAKEN = codes.declare(
    "symbol_taken", "Another published strategy of this account trades this symbol already."
)
SYMBOL_NOT_LISTED = codes.declare("symbol_not_listed", "The exchange does not trade this symbol.")
SYMBOL_REPEATED = codes.declare("symbol_repeated", "A symbol is named twice.")
ONE_QUOTE_CURRENCY = codes.declare(
    "one_quote_currency", "All symbols of a strategy have one quote currency, and keep it once published."
)
STATUS_NOT_ALLOWED = codes.declare(
    "status_not_allowed", "A strategy goes from draft to published to closed, and not back."
)
STRATEGY_CLOSED = codes.declare("strategy_closed", "A closed strategy does not change any more.")
FIXED_WHEN_PUBLISHED = codes.declare(
    "fixed_when_published", "This cannot change any more once the strategy is published."
)
ACCOUNT_INVALID = codes.declare(
    "account_invalid", "The exchange refuses this account's key: check or replace it first."
)
HAS_HISTORY = codes.declare(
    "has_history", "It has signals or was followed, and that record stays: close it instead."
)
EXCHANGE_UNAVAILABLE = codes.declare("exchange_unavailable", "The exchange does not answer; try again.")
CLAIM = "a_symbol_of_an_account_belongs_to_one_published_strategy"
RETRY_SECONDS = 5.0
# Addresses beside those of strategies.
PAGES = {"compare"}


@dataclass(frozen=True, slots=True)
class Offer:
    """What a master says of a strategy. Money in its quote."""

    name: str
    symbols: Sequence[str]
    description: str = ""
    risk_level: str = Strategy.RiskLevel.MEDIUM
    min_capital: Decimal = Decimal(0)
    performance_fee_percent: Decimal = Decimal(0)
    max_followers: int | None = None
    tags: Sequence[str] = field(default_factory=tuple)
    visibility: str = Strategy.Visibility.PUBLIC
    positions_visible_to: str = Strategy.PositionsVisibleTo.EVERYONE

    def columns(self) -> dict[str, Any]:
        columns = {name: getattr(self, name) for name in self.__slots__}
        return columns | {"symbols": list(self.symbols), "tags": list(self.tags)}


def create_strategy(
    *, owner: User, exchange_account: ExchangeAccount, offer: Offer, now: datetime
) -> Strategy:
    """A draft."""
    quote = check_symbols(exchange=exchange_account.exchange, symbols=offer.symbols)
    with transaction.atomic():
        # Two of one name at once: the second finds the first one's address taken.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('strategy address'))")
        return Strategy.objects.create(
            owner=owner,
            exchange_account=exchange_account,
            slug=_slug(offer.name),
            quote=quote,
            created_at=now,
            **offer.columns(),
        )


def change_strategy(*, strategy_id: int, changes: Mapping[str, Any]) -> Strategy:
    """Set what is given, fields of an Offer or `exchange_account`; a published one claims new symbols.

    A symbol that a published strategy drops keeps its claim, so that its exits are still seen.
    """
    with transaction.atomic():
        strategy = lock_strategy(strategy_id)
        if strategy.status == Strategy.Status.CLOSED:
            raise Conflict(STRATEGY_CLOSED)
        is_published = strategy.status == Strategy.Status.PUBLISHED
        account = changes.get("exchange_account", strategy.exchange_account)
        if is_published and account.pk != strategy.exchange_account_id:
            raise Conflict(FIXED_WHEN_PUBLISHED, "The exchange account stays once the strategy is published.")
        for name, value in changes.items():
            setattr(strategy, name, value)
        if changes.keys() & {"symbols", "exchange_account"}:
            quote = check_symbols(exchange=account.exchange, symbols=strategy.symbols)
            if is_published and quote != strategy.quote:
                raise invalid(ONE_QUOTE_CURRENCY, attr="symbols")
            strategy.quote = quote
        strategy.save()
        if is_published:
            _claim_symbols(strategy)
    return strategy


def publish(*, strategy_id: int, now: datetime) -> Strategy:
    """From draft to published: its symbols are claimed and watched from now on.

    The caller makes sure that the account follows nobody (subscriptions/masters.py).
    """
    with transaction.atomic():
        strategy = lock_strategy(strategy_id)
        if strategy.status != Strategy.Status.DRAFT:
            raise Conflict(STATUS_NOT_ALLOWED)
        account = strategy.exchange_account
        require_kyc(user=strategy.owner, account=account)
        if account.disconnected_at or account.status == ExchangeAccount.Status.INVALID:
            raise Conflict(ACCOUNT_INVALID)
        check_symbols(exchange=account.exchange, symbols=strategy.symbols)
        strategy.status, strategy.published_at = Strategy.Status.PUBLISHED, now
        strategy.save(update_fields=["status", "published_at"])
        _claim_symbols(strategy)
    return strategy


def close_strategy(*, strategy_id: int, now: datetime) -> Strategy:
    """Nobody can join and nothing is bought any more; the claims stay as long as exits must be seen."""
    with transaction.atomic():
        strategy = lock_strategy(strategy_id)
        if strategy.status == Strategy.Status.DRAFT:
            raise Conflict(STATUS_NOT_ALLOWED, "A draft is deleted, not closed.")
        if strategy.status == Strategy.Status.PUBLISHED:
            strategy.status, strategy.closed_at = Strategy.Status.CLOSED, now
            strategy.save(update_fields=["status", "closed_at"])
    return strategy


def release_symbols(*, strategy: Strategy) -> None:
    """Stop watching: others may claim the symbols."""
    StrategySymbol.objects.filter(strategy=strategy).delete()


def delete_strategy(*, strategy_id: int) -> None:
    """Only what has left no trace; everything else is closed."""
    try:
        with transaction.atomic():
            lock_strategy(strategy_id).delete()
    except ProtectedError:
        raise Conflict(HAS_HISTORY) from None


def lock_strategy(strategy_id: int) -> Strategy:
    """The row, locked: whoever changes, joins or numbers signals takes this lock."""
    # NO KEY: orders that name the strategy are written meanwhile.
    rows = Strategy.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("owner", "exchange_account").get(pk=strategy_id)


def require_kyc(*, user: User, account: ExchangeAccount) -> None:
    if needs_kyc(user=user, account=account):
        raise Forbidden(KYC_REQUIRED)


def needs_kyc(*, user: User, account: ExchangeAccount) -> bool:
    """Real money needs an approved identity check; the paper exchange never does."""
    return settings.KYC_REQUIRED and not account.is_paper and user.kyc_status != User.KycStatus.APPROVED


def check_symbols(*, exchange: str, symbols: Sequence[str]) -> str:
    """The one quote currency of the symbols; 400 on `symbols` when they cannot be one strategy's."""
    if len(set(symbols)) != len(symbols):
        raise invalid(SYMBOL_REPEATED, attr="symbols")
    rules = market_rules(exchange)
    for symbol in symbols:
        if symbol not in rules or not rules[symbol].active:
            raise invalid(SYMBOL_NOT_LISTED, f"{exchange} does not trade {symbol}.", attr="symbols")
    quotes = {rules[symbol].quote for symbol in symbols}
    if len(quotes) != 1:
        raise invalid(ONE_QUOTE_CURRENCY, attr="symbols")
    return quotes.pop()


def check_listed(*, user_id: int, symbols: Iterable[str], kept: Iterable[str], attr: str) -> None:
    """400 on `attr` for symbols that no exchange of the person's lists, the paper exchange included.

    `kept` stay valid whatever became of them. A coin that is halted is listed. Where an exchange is silent,
    what it lists is not known, and nothing is refused. May go over the network.
    """
    unlisted = set(symbols).difference(kept)
    if not unlisted:
        return
    own = ExchangeAccount.objects.connected().owned_by(user_id).values_list("exchange", flat=True)
    is_any_known = False
    for exchange in sorted({"paper", *own}):
        try:
            gateway.supported(exchange)
            unlisted -= gateway.market_rules_now(exchange).keys()
        except VenueNotSupported:
            continue
        except (ExchangeError, TimeoutError):
            return
        is_any_known = True
    if unlisted and is_any_known:
        named = ", ".join(sorted(unlisted))
        raise invalid(SYMBOL_NOT_LISTED, f"No exchange that you use trades {named}.", attr=attr)


def market_rules(exchange: str) -> Mapping[str, MarketRules]:
    """The venue's symbols and filters; 503 when they are not known yet and the venue does not answer."""
    try:
        return gateway.market_rules_now(exchange)
    except (ExchangeError, TimeoutError):
        raise TryLater(EXCHANGE_UNAVAILABLE, wait=RETRY_SECONDS) from None


def _claim_symbols(strategy: Strategy) -> None:
    own = set(StrategySymbol.objects.filter(strategy=strategy).values_list("symbol", flat=True))
    claims = [
        StrategySymbol(strategy=strategy, exchange_account_id=strategy.exchange_account_id, symbol=symbol)
        for symbol in strategy.symbols
        if symbol not in own
    ]
    try:
        with transaction.atomic():
            StrategySymbol.objects.bulk_create(claims)
    except IntegrityError as error:
        if CLAIM not in str(error):
            raise
        raise Conflict(SYMBOL_TAKEN) from None


def _slug(name: str) -> str:
    """Readable; where somebody has it already, with the end of a fresh id."""
    slug = slugify(name)[:80] or "strategy"
    is_taken = slug in PAGES or Strategy.objects.filter(slug=slug).exists()
    return f"{slug}-{uuid7().hex[-8:]}" if is_taken else slug
