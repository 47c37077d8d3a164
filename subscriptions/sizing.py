"""How much a follower trades when the master trades: exact, pure, and explained step by step.

Amounts are in base, prices and notionals in quote. Each function returns its steps beside its result,
so that an order can tell why it has its size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_DOWN, Decimal, localcontext
from functools import lru_cache
from typing import Any, NamedTuple

from exchanges.rounding import EXACT, meets_minimum, plain, round_down
from exchanges.types import MarketRules

PLACES = Decimal(1).scaleb(-18)
BPS = Decimal(10_000)


class Step(NamedTuple):
    """One line of an order's explanation: what was done, with which numbers, with which result.

    `detail` has the places {0}, {1} … for `values`, so that its words can be translated. `cut` is the code of
    what made the order smaller than its settings ask for.
    """

    label: str
    detail: str
    result: str
    cut: str = ""
    values: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"label": self.label, "detail": self.detail, "result": self.result}
        if self.cut:
            told["cut"] = self.cut
        if self.values:
            told["values"] = self.values
        return told


def written_out(step: Mapping[str, Any], translate: Callable[[str], str] = str) -> dict[str, str]:
    """A kept step with its numbers in their places; what `translate` does not know stays as it is."""
    told = {name: translate(step[name]) for name in ("label", "detail", "result")}
    told["detail"] = told["detail"].format(*step.get("values", ()))
    return {name: text for name, text in {**step, **told}.items() if name != "values"}


class MasterFill(NamedTuple):
    """What the master did. `equity` was theirs before the order; `order_amount` is the whole order's."""

    amount: Decimal
    price: Decimal
    equity: Decimal | None
    order_amount: Decimal | None


class FollowerSettings(NamedTuple):
    """How this follower copies: mode `proportional`, `multiplier` or `fixed_notional`, and its value."""

    mode: str
    value: Decimal
    allocation: Decimal
    realised_pnl: Decimal


class Sized(NamedTuple):
    """A result with its explanation. `amount` None: the facts do not suffice (the master's equity)."""

    amount: Decimal | None
    steps: tuple[Step, ...]

    @property
    def is_cut(self) -> bool:
        return any(step.cut for step in self.steps)


# The same for most followers of a signal.
@lru_cache(maxsize=256)
def price_bound(*, master_price: Decimal, max_slippage_bps: int, tick_size: Decimal) -> Decimal:
    """The most an entry may pay: the master's average price and the slippage, down to the tick."""
    with localcontext(EXACT):
        return round_down(master_price * (1 + Decimal(max_slippage_bps) / BPS), tick_size)


def gettext_noop(label: str) -> str:
    """Marks it for translators, whose tools look for this name; the page that shows it translates it."""
    return label


def size_entry(master: MasterFill, follower: FollowerSettings, *, bound: Decimal, quote: str) -> Sized:
    """The amount by which an entry raises the follower's target, before any rounding to the lot step."""
    with localcontext(EXACT):
        if follower.mode == "multiplier":
            return _by_multiplier(master, follower)
        if follower.mode == "fixed_notional":
            return _by_fixed_notional(master, follower, bound=bound, quote=quote)
        return _by_proportion(master, follower, bound=bound, quote=quote)


def _by_multiplier(master: MasterFill, follower: FollowerSettings) -> Sized:
    amount = _exact(master.amount * follower.value)
    step = Step(
        gettext_noop("Master's amount × your factor"),
        f"{plain(master.amount)} × {plain(follower.value)}",
        plain(amount),
    )
    return Sized(amount, (step,))


def _by_fixed_notional(
    master: MasterFill, follower: FollowerSettings, *, bound: Decimal, quote: str
) -> Sized:
    whole = max(master.order_amount or master.amount, master.amount)
    notional = follower.value * master.amount / whole
    share = Step(
        gettext_noop("Your fixed amount for this order"),
        gettext_noop("{0} {1} × {2} of {3} filled"),
        f"{_money(notional)} {quote}",
        values=(plain(follower.value), quote, plain(master.amount), plain(whole)),
    )
    return _at_bound(notional, (share,), bound=bound)


def _by_proportion(master: MasterFill, follower: FollowerSettings, *, bound: Decimal, quote: str) -> Sized:
    if master.equity is None or master.equity <= 0:
        unknown = gettext_noop("unknown")
        step = Step(gettext_noop("Master's share"), gettext_noop("the master's equity is not known"), unknown)
        return Sized(None, (step,))
    share, share_step = _share_of_equity(master.amount * master.price, master.equity, quote)
    capital = max(follower.allocation + follower.realised_pnl, Decimal(0))
    notional = share * capital * follower.value
    steps = (
        share_step,
        Step(
            gettext_noop("Your capital × your factor"),
            gettext_noop("({0} allocated {1} realised) {2} × {3}"),
            f"{_money(notional)} {quote}",
            values=(
                _money(follower.allocation),
                _signed(follower.realised_pnl),
                quote,
                plain(follower.value),
            ),
        ),
    )
    return _at_bound(notional, steps, bound=bound)


# The same for every follower of a signal.
@lru_cache(maxsize=16)
def _share_of_equity(spent: Decimal, equity: Decimal, quote: str) -> tuple[Decimal, Step]:
    share = min(spent / equity, Decimal(1))
    label, detail = gettext_noop("Master's share"), gettext_noop("{0} of {1} {2} equity")
    return share, Step(label, detail, f"{share * 100:.2f} %", values=(_money(spent), _money(equity), quote))


def _at_bound(notional: Decimal, steps: tuple[Step, ...], *, bound: Decimal) -> Sized:
    amount = _exact(notional / bound)
    step = Step(gettext_noop("At your price bound"), f"{_money(notional)} ÷ {plain(bound)}", _shown(amount))
    return Sized(amount, (*steps, step))


def round_entry(
    *, target: Decimal, held: Decimal, bound: Decimal, cash: Decimal, rules: MarketRules
) -> Sized:
    """What to buy now: target − held, within the free cash, down to the lot step.

    An amount of 0 means too small for the venue.
    """
    with localcontext(EXACT):
        wanted = target - held
        steps = [Step(gettext_noop("Target − held"), f"{_shown(target)} − {_shown(held)}", _shown(wanted))]
        affordable = max(cash, Decimal(0)) / (bound * (1 + rules.taker_fee))
        if wanted > affordable:
            wanted = affordable
            steps.append(
                Step(
                    gettext_noop("Your free allocation"),
                    gettext_noop("{0} {1} free ÷ price bound with fee"),
                    _shown(wanted),
                    cut="allocation",
                    values=(_money(max(cash, Decimal(0))), rules.quote),
                )
            )
        quantity = round_down(max(wanted, Decimal(0)), rules.lot_step)
        if rules.max_quantity:
            quantity = min(quantity, round_down(rules.max_quantity, rules.lot_step))
        steps.append(_down_to_the_step(quantity, rules))
        if meets_minimum(quantity, bound, rules):
            return Sized(quantity, tuple(steps))
        steps.append(_too_small(quantity, bound, rules))
        return Sized(Decimal(0), tuple(steps))


def round_exit(
    *, target: Decimal, held: Decimal, most: Decimal | None = None, price: Decimal, rules: MarketRules
) -> Sized:
    """What to sell now: held − target, down to the lot step; 0 means too small for the venue.

    `most` is what the venue has of it, where less than `held` was found there.
    """
    with localcontext(EXACT):
        wanted = max(held - target, Decimal(0))
        quantity = round_down(wanted if most is None else min(wanted, most), rules.lot_step)
        if rules.max_market_quantity:
            quantity = min(quantity, round_down(rules.max_market_quantity, rules.lot_step))
        steps = [
            Step(gettext_noop("Held − target"), f"{_shown(held)} − {_shown(target)}", _shown(wanted)),
            *(
                []
                if most is None
                else [
                    Step(
                        gettext_noop("What is really there"),
                        gettext_noop("free at the exchange"),
                        _shown(most),
                    )
                ]
            ),
            _down_to_the_step(quantity, rules),
        ]
        if meets_minimum(quantity, price, rules):
            return Sized(quantity, tuple(steps))
        steps.append(_too_small(quantity, price, rules))
        return Sized(Decimal(0), tuple(steps))


def exit_fraction(*, sold: Decimal, book: Decimal, holding: Decimal | None, smallest: Decimal) -> Decimal:
    """The part of the strategy's position that a master's sale closes, at most 1.

    `book` is what the strategy holds by the books, `holding` what the master's account held (None =
    unknown), both before the sale. A rest below `smallest`, which cannot be sold any more, closes all.
    """
    with localcontext(EXACT):
        base = book if holding is None else min(book, holding)
        if base - sold <= smallest:
            return Decimal(1)
        return (sold / base).quantize(PLACES, ROUND_DOWN)


def lower_target(target: Decimal, fraction: Decimal) -> Decimal:
    """The target after an exit of this fraction."""
    with localcontext(EXACT):
        return Decimal(0) if fraction >= 1 else _exact(target * (1 - fraction))


def _down_to_the_step(quantity: Decimal, rules: MarketRules) -> Step:
    label, detail = gettext_noop("Down to the lot step"), gettext_noop("step {0}")
    return Step(label, detail, plain(quantity), values=(plain(rules.lot_step),))


def _too_small(quantity: Decimal, price: Decimal, rules: MarketRules) -> Step:
    return Step(
        gettext_noop("Below the exchange's minimum"),
        gettext_noop("{0} {1}; the exchange takes {2} or more"),
        gettext_noop("carried to the next trade"),
        values=(_money(quantity * price), rules.quote, plain(rules.min_notional)),
    )


def _exact(amount: Decimal) -> Decimal:
    """Down to what the database keeps."""
    return amount.quantize(PLACES, ROUND_DOWN)


def _shown(amount: Decimal) -> str:
    """An amount as people read it: eight places, or the first that count of a smaller one."""
    shown = amount.quantize(Decimal("0.00000001"), ROUND_DOWN)
    return plain(shown if shown else amount)


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}" if abs(amount) >= Decimal("0.01") or amount == 0 else f"{amount:.8f}"


def _signed(amount: Decimal) -> str:
    return f"{'−' if amount < 0 else '+'} {_money(abs(amount))}"
