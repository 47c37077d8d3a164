"""How each venue is told our client order id, asked for it, and kept from accepting an order late.

Read in ccxt 4.5 and in the venues' documents; each row has a test of the request that leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from types import MappingProxyType

from exchanges.errors import VenueNotSupported
from exchanges.standing import Budget


class LookUp(Enum):
    """How an order is found by client order id."""

    ONE_ORDER = "one order"
    # In this order: it may close between the two questions.
    OPEN_THEN_CLOSED = "open, then closed"


class FillsOf(Enum):
    """How the fills of one order are asked for."""

    MY_TRADES_BY_ORDER = "trades of the symbol, filtered by order id at the venue"
    ORDER_TRADES = "trades of the order"
    MY_TRADES_SINCE = "trades of the symbol since the order, filtered here"


def _frozen(**entries: object) -> Mapping[str, object]:
    return MappingProxyType(entries)


_ASKED_FOR_LESS: Mapping[int, float] = MappingProxyType({429: 10.0, 418: 120.0})


@dataclass(frozen=True, slots=True)
class Limits:
    """What the venue takes from one address and from one account.

    A request weighs ccxt's cost of it times `weight_of_cost`, or 1 where that is 0. `pauses` are the HTTP
    statuses by which the venue refuses the whole address, and how long to keep away where the answer does
    not say; `account_mark` in such an answer means that only the account is over its limit.
    """

    address: Budget
    weight_of_cost: float = 0.0
    orders_of_account: Budget | None = None
    pauses: Mapping[int, float] = field(default_factory=lambda: _ASKED_FOR_LESS)
    account_mark: str = ""


# No limit of an address is published for orders there: a bound of our own.
_UNPUBLISHED = Limits(Budget(1000, 10))
# developers.binance.com/docs/binance-spot-api-docs/rest-api/limits and its exchangeInfo: weight 6000 a minute
# for an address. Unfilled orders of an account: 50 in 10 s, since raised to 100; beyond that 429 with -1015
# and no Retry-After. Weights (order 1, look-up 4, account and trades 20) are ccxt's costs, 5 weight each.
_BINANCE_LIMITS = Limits(
    Budget(6000, 60), weight_of_cost=5, orders_of_account=Budget(50, 10), account_mark='"code":-1015'
)
# The same way through the code, without an end.
_PAPER_LIMITS = Limits(Budget(1e9, 60), weight_of_cost=5, orders_of_account=Budget(1e8, 10))
# bybit-exchange.github.io/docs/v5/rate-limit: 600 requests in 5 s for an address; on 403 wait 10 minutes.
_BYBIT_LIMITS = Limits(Budget(600, 5), pauses=MappingProxyType({**_ASKED_FOR_LESS, 403: 600.0}))


@dataclass(frozen=True, slots=True)
class Venue:
    """`accepts_for` is how long after `signed_at` the venue still takes the order: it checks our timestamp,
    or the expiry header or parameter, and where neither is known the gateway itself sends nothing later.
    """

    exchange: str
    ccxt_id: str
    not_supported_because: str = ""
    options: Mapping[str, object] = field(default_factory=dict)
    client_id_param: str = "clientOrderId"
    ioc_params: Mapping[str, object] = field(default_factory=lambda: _frozen(timeInForce="IOC"))
    market_buy_in_base: bool = True
    accepts_for: timedelta = timedelta(seconds=5)
    expiry_header: str = ""
    deadline_param: str = ""
    fills_in_answer: bool = False
    look_up: LookUp = LookUp.ONE_ORDER
    look_up_param: str = "clientOrderId"
    look_up_id_param: str = ""
    closed_method: str = "fetch_closed_orders"
    fills_of: FillsOf = FillsOf.ORDER_TRADES
    trades_window: timedelta = timedelta(days=7)
    trades_page: int = 100
    one_request_per_key: bool = False
    limits: Limits = _UNPUBLISHED


_SPOT = _frozen(types=["spot"])
_WITHOUT_LOOK_UP = "a filled order is not found there by our order id, so a lost answer could not be healed"
_NOT_TRIED = "the look-up of orders there has not been tried on the venue yet"

_BINANCE_OPTIONS = _frozen(
    defaultType="spot", fetchMarkets=_SPOT, fetchCurrencies=False, fetchMargins=False, recvWindow=5000
)


def _speaks_binance(exchange: str, limits: Limits) -> Venue:
    return Venue(
        exchange,
        "binance",
        options=_BINANCE_OPTIONS,
        fills_in_answer=True,
        fills_of=FillsOf.MY_TRADES_BY_ORDER,
        trades_window=timedelta(hours=24),
        trades_page=1000,
        limits=limits,
    )


_ALL = (
    _speaks_binance("binance", _BINANCE_LIMITS),
    _speaks_binance("paper", _PAPER_LIMITS),
    Venue(
        "bybit",
        "bybit",
        options=_frozen(
            defaultType="spot",
            fetchMarkets=_frozen(types=["spot"], loadAllOptions=False, usePrivateInstrumentsInfo=False),
            recvWindow=5000,
        ),
        look_up=LookUp.OPEN_THEN_CLOSED,
        look_up_param="orderLinkId",
        look_up_id_param="orderId",
        closed_method="fetch_canceled_and_closed_orders",
        limits=_BYBIT_LIMITS,
    ),
    Venue(
        "okx",
        "okx",
        # ccxt's default sends a single order to the batch endpoint.
        options=_frozen(defaultType="spot", fetchMarkets=_SPOT, createOrder="privatePostTradeOrder"),
        expiry_header="expTime",
    ),
    Venue(
        "kraken",
        "kraken",
        options=_frozen(defaultType="spot"),
        deadline_param="deadline",
        look_up=LookUp.OPEN_THEN_CLOSED,
        fills_of=FillsOf.MY_TRADES_SINCE,
        trades_page=50,
        one_request_per_key=True,
    ),
    Venue(
        "kucoin",
        "kucoin",
        not_supported_because=_NOT_TRIED,
        options=_frozen(defaultType="spot", fetchMarkets=_frozen(types=["spot"], fetchTickersFees=False)),
        accepts_for=timedelta(seconds=2),
    ),
    Venue(
        "bitget",
        "bitget",
        not_supported_because=_NOT_TRIED,
        options=_frozen(defaultType="spot", fetchMarkets=_SPOT),
        market_buy_in_base=False,
        accepts_for=timedelta(seconds=2),
        trades_window=timedelta(days=90),
    ),
    Venue(
        "gate",
        "gate",
        not_supported_because=_WITHOUT_LOOK_UP,
        options=_frozen(defaultType="spot"),
        market_buy_in_base=False,
        expiry_header="x-gate-exptime",
        trades_window=timedelta(days=30),
    ),
    Venue(
        "coinbase",
        "coinbase",
        not_supported_because=_WITHOUT_LOOK_UP,
        # Under ccxt's unified name the id is ignored and a random one sent.
        client_id_param="client_order_id",
        market_buy_in_base=False,
        accepts_for=timedelta(seconds=2),
    ),
)

VENUES: Mapping[str, Venue] = MappingProxyType({venue.exchange: venue for venue in _ALL})


def venue_of(exchange: str) -> Venue:
    """The venue's row, offered for live copying or not; VenueNotSupported for an id we do not know."""
    try:
        return VENUES[exchange]
    except KeyError:
        raise VenueNotSupported(f"{exchange} is not an exchange this platform knows") from None


def require_supported(exchange: str) -> Venue:
    """The venue's row; VenueNotSupported with the reason where live copying is not offered."""
    venue = venue_of(exchange)
    if venue.not_supported_because:
        raise VenueNotSupported(f"{exchange}: {venue.not_supported_because}")
    return venue
