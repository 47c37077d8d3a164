"""What an account is worth: pure arithmetic over what the venue said."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, localcontext

from exchanges.rounding import EXACT
from exchanges.types import Balance, Quote


def equity_in_quote(balances: Mapping[str, Balance], quotes: Mapping[str, Quote], *, quote: str) -> Decimal:
    """Every coin at its last price in `quote`; a coin without a price there counts as nothing."""
    with localcontext(EXACT):
        total = Decimal(0)
        for asset, balance in balances.items():
            if asset == quote:
                total += balance.total
            elif price := quotes.get(f"{asset}/{quote}"):
                total += balance.total * price.last
        return total.quantize(Decimal(1).scaleb(-18))
