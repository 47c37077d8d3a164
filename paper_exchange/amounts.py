"""Money as whole numbers of 10⁻⁸: exact, and several times faster than Decimal on the order path."""

import re

DIGITS = 8
UNIT = 100_000_000
PATTERN = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
_SHAPE = re.compile(PATTERN)


class NotANumber(ValueError):
    """The text is no plain decimal number."""


class TooPrecise(ValueError):
    """The number has more than eight decimals."""


def parse(text: str) -> int:
    """The amount in units of 10⁻⁸. Raises NotANumber or TooPrecise."""
    if _SHAPE.fullmatch(text) is None:
        raise NotANumber(text)
    whole, _, decimals = text.partition(".")
    if len(decimals) > DIGITS:
        raise TooPrecise(text)
    return int(whole) * UNIT + int(decimals.ljust(DIGITS, "0"))


def show(amount: int) -> str:
    """Plain notation with all eight decimals, as the venue writes it."""
    if amount < 0:
        return "-" + show(-amount)
    return f"{amount // UNIT}.{amount % UNIT:08d}"


def multiply(quantity: int, price: int) -> int:
    """Quantity × price in quote units, rounded down to 10⁻⁸."""
    return quantity * price // UNIT
