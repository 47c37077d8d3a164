"""Commission: 0.1 % of the coin received, or in BNB at a quarter off where the account wants and holds it."""

from collections.abc import Mapping

from .accounts import Account
from .amounts import UNIT, multiply

RATE = 1000  # one part in
BNB = "BNB"


def charge(account: Account, received: str, amount: int, last: Mapping[str, int]) -> tuple[int, str]:
    """Take the commission of `amount` received. What was taken, and its coin."""
    if account.fees_in_bnb:
        in_bnb = _discounted(received, amount, last)
        balance = account.balance(BNB)
        if in_bnb is not None and balance.free >= in_bnb:
            balance.free -= in_bnb
            return in_bnb, BNB
    commission = amount // RATE
    account.balance(received).free -= commission
    return commission, received


def _discounted(asset: str, amount: int, last: Mapping[str, int]) -> int | None:
    if asset == BNB:
        return amount * 3 // (4 * RATE)
    price = UNIT if asset == "USDT" else last.get(asset + "USDT")
    bnb = last.get(BNB + "USDT")
    if not price or not bnb:
        return None
    return multiply(amount, price) * 3 * UNIT // (4 * RATE * bnb)
