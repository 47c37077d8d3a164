"""The filters of a symbol, applied to one order in the venue's order of naming them."""

from . import answers
from .amounts import UNIT, multiply
from .symbols import MAX_PRICE, Symbol
from .tickets import Ticket


def check(ticket: Ticket, last: int) -> None:
    """Raises the venue's refusal when the order breaks a filter; `last` is the last price."""
    symbol = ticket.symbol
    if ticket.price:
        _check_price(symbol, ticket.price, last)
    if ticket.quantity:
        _check_quantity(symbol, ticket.quantity, market=ticket.type == "MARKET")
    _check_notional(ticket, last)


def _check_price(symbol: Symbol, price: int, last: int) -> None:
    if price < symbol.tick or price % symbol.tick or price > MAX_PRICE:
        raise answers.filter_failure("PRICE_FILTER")
    if not last * symbol.multiplier_down <= price * UNIT <= last * symbol.multiplier_up:
        raise answers.filter_failure("PERCENT_PRICE_BY_SIDE")


def _check_quantity(symbol: Symbol, quantity: int, *, market: bool) -> None:
    if not symbol.min_quantity <= quantity <= symbol.max_quantity or quantity % symbol.step:
        raise answers.filter_failure("LOT_SIZE")
    if market and quantity > symbol.market_max_quantity:
        raise answers.filter_failure("MARKET_LOT_SIZE")


def _check_notional(ticket: Ticket, last: int) -> None:
    symbol = ticket.symbol
    notional = ticket.quote_quantity or multiply(ticket.quantity, ticket.price or last)
    if notional < symbol.min_notional or (ticket.price and notional > symbol.max_notional):
        raise answers.filter_failure("NOTIONAL")
