"""Accounts: keys, balances, and what each has ordered."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .amounts import show
from .answers import bad_key, rejected
from .orders import Fill, Order


@dataclass(slots=True)
class Balance:
    free: int = 0
    locked: int = 0


@dataclass(frozen=True, slots=True)
class Transfer:
    """A deposit (positive amount) or a withdrawal (negative)."""

    id: int
    asset: str
    amount: int
    at: int


@dataclass(slots=True)
class Account:
    api_key: str
    secret: bytes = field(repr=False)
    uid: int
    can_withdraw: bool
    is_read_only: bool
    fees_in_bnb: bool
    balances: dict[str, Balance] = field(default_factory=dict)
    orders: dict[tuple[str, int], Order] = field(default_factory=dict)
    open_orders: dict[tuple[str, int], Order] = field(default_factory=dict)
    by_client_id: dict[tuple[str, str], Order] = field(default_factory=dict)
    trades: dict[str, list[tuple[Order, Fill]]] = field(default_factory=dict)
    transfers: list[Transfer] = field(default_factory=list)
    updated_at: int = 0

    def balance(self, asset: str) -> Balance:
        balance = self.balances.get(asset)
        if balance is None:
            balance = self.balances[asset] = Balance()
        return balance

    def require(self, asset: str, amount: int) -> None:
        if self.balance(asset).free < amount:
            raise rejected("Account has insufficient balance for requested action.")

    def keep(self, order: Order) -> None:
        """Remember a new order. An id used before names the newest order from now on."""
        key = (order.symbol, order.order_id)
        self.orders[key] = order
        self.by_client_id[order.symbol, order.client_order_id] = order
        if order.is_open:
            self.open_orders[key] = order

    def settle(self, order: Order) -> None:
        if not order.is_open:
            self.open_orders.pop((order.symbol, order.order_id), None)

    def add_trade(self, order: Order, fill: Fill) -> None:
        self.trades.setdefault(order.symbol, []).append((order, fill))

    def shown(self, assets: Iterator[str] | None = None) -> dict[str, list[str]]:
        """Free and locked by asset, as text."""
        names = self.balances if assets is None else assets
        return {name: [show(self.balances[name].free), show(self.balances[name].locked)] for name in names}


class Accounts:
    """All accounts by key."""

    def __init__(self) -> None:
        self._by_key: dict[str, Account] = {}
        self._last_uid = 100_000

    def __len__(self) -> int:
        return len(self._by_key)

    def __iter__(self) -> Iterator[Account]:
        return iter(self._by_key.values())

    def __contains__(self, api_key: str) -> bool:
        return api_key in self._by_key

    def open(
        self,
        *,
        balances: Mapping[str, int],
        can_withdraw: bool = False,
        is_read_only: bool = False,
        fees_in_bnb: bool = False,
        api_key: str | None = None,
        secret: str | None = None,
        uid: int | None = None,
    ) -> Account:
        account = Account(
            api_key=api_key or secrets.token_hex(32),
            secret=(secret or secrets.token_hex(32)).encode(),
            uid=uid or self._last_uid + 1,
            can_withdraw=can_withdraw,
            is_read_only=is_read_only,
            fees_in_bnb=fees_in_bnb,
            balances={asset: Balance(free=amount) for asset, amount in balances.items()},
        )
        self._last_uid = max(self._last_uid, account.uid)
        self._by_key[account.api_key] = account
        return account

    def get(self, api_key: str) -> Account:
        """The account of a key that may be used. Raises -2015 otherwise."""
        account = self._by_key.get(api_key)
        if account is None:
            raise bad_key()
        return account

    def find(self, api_key: str) -> Account | None:
        return self._by_key.get(api_key)
