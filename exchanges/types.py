"""What crosses the door to an exchange, in both directions. Money is Decimal, times are aware UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

PRUDENT_OFFER = Decimal("0.95")


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    """How an order may execute. `LIMIT_IOC` is a limit order that never rests."""

    MARKET = "market"
    LIMIT = "limit"
    LIMIT_IOC = "limit_ioc"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Keys to one exchange account; never shown in a repr, a log or an error."""

    api_key: str = field(repr=False)
    secret: str = field(repr=False)
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Account:
    """Everything a call on somebody's exchange account needs.

    `mode` is the venue's account mode as read at connect (ccxt options such as `uta` or `hf`);
    `proxy_url` is the egress address, empty for this machine's own.
    """

    exchange: str
    credentials: Credentials
    mode: Mapping[str, object] = field(default_factory=dict)
    proxy_url: str = ""


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """One order to place. `price` is None exactly for market orders.

    `signed_at` is the moment of the claim by the venue's clock: the request is signed with it, so
    that the venue itself refuses what a stalled process sends late.
    """

    client_order_id: str
    symbol: str
    side: Side
    type: OrderType
    quantity: Decimal
    price: Decimal | None
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class FillReport:
    """One execution as the venue tells it. `fee` is in `fee_asset` (empty when there is no fee)."""

    symbol: str
    venue_order_id: str
    trade_id: str
    client_order_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    at: datetime
    # Of the whole order, where the venue says so with the fill: how much it asked for, and whether
    # this fill was its last.
    order_quantity: Decimal | None = None
    order_is_final: bool = False

    def __post_init__(self) -> None:
        # Refused where it is read: in the books' transaction it would keep the fills beside it out too.
        if not (self.quantity.is_finite() and self.price.is_finite() and self.fee.is_finite()):
            raise ValueError("a fill without numbers")
        if self.quantity <= 0 or self.price <= 0:
            raise ValueError("a fill that moved nothing")


@dataclass(frozen=True, slots=True)
class OrderReport:
    """What a venue says of one order. `fills_complete` tells whether `fills` add up to `filled`."""

    client_order_id: str
    venue_order_id: str
    symbol: str
    side: Side
    requested: Decimal
    filled: Decimal
    average_price: Decimal | None
    is_final: bool
    fills: tuple[FillReport, ...]
    at: datetime

    @property
    def fills_complete(self) -> bool:
        return sum((fill.quantity for fill in self.fills), Decimal(0)) == self.filled


@dataclass(frozen=True, slots=True)
class MarketRules:
    """A symbol's filters at one venue; quantities in base, notional in quote, 0 = no such limit."""

    symbol: str
    base: str
    quote: str
    active: bool
    lot_step: Decimal
    tick_size: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    max_market_quantity: Decimal
    min_notional: Decimal
    taker_fee: Decimal = Decimal("0.001")
    # The least that a sale may ask for, as a part of the price; where the venue tells no band, a prudent one.
    lowest_offer: Decimal = PRUDENT_OFFER


@dataclass(frozen=True, slots=True)
class Quote:
    """A symbol's price now. `at` is when the venue said so; without orders on both sides the book is None."""

    symbol: str
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal
    quote_volume_24h: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Balance:
    """One asset of an account."""

    asset: str
    free: Decimal
    locked: Decimal

    @property
    def total(self) -> Decimal:
        return self.free + self.locked


class TransferKind(StrEnum):
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"


@dataclass(frozen=True, slots=True)
class TransferReport:
    """Coins that came to an account or left it, once done. `fee` is what the venue took beside `amount`."""

    kind: TransferKind
    venue_id: str
    asset: str
    amount: Decimal
    fee: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What a key may do, as the venue tells it, and which venue account it belongs to."""

    can_trade: bool
    can_withdraw: bool
    ip_restricted: bool
    venue_account_id: str
    permissions: tuple[str, ...]
    mode: Mapping[str, object]
