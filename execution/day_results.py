"""What copies have made or lost since their owners' day began: realised, and what is open at fresh prices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, localcontext

from exchanges.rounding import EXACT
from execution.counted import Copies, CountedCopy, by_day_start, counted_copies
from ledger.models import Mark, Position, PositionQuerySet, Trade
from ledger.pnl import ZERO, Holding
from ledger.valuation import PLACES, Prices, fresh_prices, kept_prices
from records.bulk import select
from risk.days import day_of
from risk.models import DayOpening

# Copy → symbol → holding.
Holdings = Mapping[int, Mapping[str, Holding]]
NOTHING = Holding(ZERO, ZERO, ZERO, ZERO)


def add_day_results(copies: Copies, *, now: datetime) -> list[DayOpening]:
    """Each copy's result now less what it was when the day began; None where a price is missing.

    Fees that the books could not value count too, so that no loss looks smaller than it is.
    Returned, for the caller to write down: what days that are new began with.
    """
    held = _held(copies)
    keys = {(copies[key].exchange, symbol) for key, by_symbol in held.items() for symbol in by_symbol}
    prices = fresh_prices(keys, now=now) if keys else {}
    known = _written_down(copies, now)
    new = {key: copy for key, copy in copies.items() if key not in known}
    told = _told_by_books(new, held, prices, now) if new else {}
    openings, fees = known | told, _fees_uncounted(copies, now)
    for key, copy in copies.items():
        result, opening = _result(copy, copy.realised_pnl, held.get(key, {}), prices), openings.get(key)
        fee = fees.get(key, ZERO)
        if result is None or opening is None or fee is None:
            copy.day_result = None
        else:
            copy.day_result = result - opening - fee
    return [
        DayOpening(
            subscription_id=key, day=day_of(now, copies[key].time_zone), result=result, recorded_at=now
        )
        for key, result in told.items()
    ]


def _fees_uncounted(copies: Copies, now: datetime) -> dict[int, Decimal | None]:
    """The day's fees that the books could not value, at their coin's last price; None: it never had one."""
    taken = [
        (key, (copies[key].exchange, f"{asset}/{copies[key].quote}"), fee)
        for start, keys in by_day_start(copies, now=now).items()
        for key, asset, fee in Trade.objects.filter(subscription__in=keys, at__gte=start)
        .with_fees_uncounted()
        .values_list("subscription_id", "fee_asset", "fee")
    ]
    symbols = {symbol for _, (_, symbol), _ in taken}
    marks = Mark.objects.filter(symbol__in=symbols) if symbols else ()
    prices = {(mark.exchange, mark.symbol): mark.price for mark in marks}
    fees: dict[int, Decimal | None] = defaultdict(lambda: ZERO)
    with localcontext(EXACT):
        for key, coin, fee in taken:
            so_far, price = fees[key], prices.get(coin)
            fees[key] = None if so_far is None or price is None else so_far + fee * price
    return fees


def day_openings(user_id: int, *, now: datetime) -> dict[int, Decimal]:
    """What each of a person's copies had made when the person's day began; nothing is written.

    As written down for the limits; else by the books and the prices kept of that moment. Copies whose price
    of then is not known are left out, and those that had ended before.
    """
    copies = counted_copies([user_id], (), now=now)
    known = _written_down(copies, now)
    new = {key: copy for key, copy in copies.items() if key not in known}
    if not new:
        return known
    # What was sold since is among them: it was held when the day began.
    held = _holdings(Position.objects.filter(subscription__in=list(new)))
    keys = {(new[key].exchange, symbol) for key, by_symbol in held.items() for symbol in by_symbol}
    began = max(by_day_start(new, now=now))
    return known | _told_by_books(new, held, kept_prices(keys, at=began) if keys else {}, now)


def _held(copies: Copies) -> dict[int, dict[str, Holding]]:
    return _holdings(Position.objects.open().filter(subscription__in=list(copies)))


def _holdings(rows: PositionQuerySet) -> dict[int, dict[str, Holding]]:
    held: dict[int, dict[str, Holding]] = defaultdict(dict)
    for key, symbol, amount, cost in rows.values_list("subscription_id", "symbol", "held", "cost"):
        held[key][symbol] = Holding(amount, cost, ZERO, ZERO)
    return held


def _result(
    copy: CountedCopy, realised: Decimal, held: Mapping[str, Holding], prices: Prices
) -> Decimal | None:
    """Realised and unrealised; None without a price of what is held."""
    with localcontext(EXACT):
        for symbol, holding in held.items():
            if holding.held == 0:
                continue
            price = prices.get((copy.exchange, symbol))
            if price is None:
                return None
            realised += holding.held * price - holding.cost
        return realised.quantize(PLACES)


# --- What the day began with --------------------------------------------------------------------------


def write_openings(new: Sequence[DayOpening]) -> None:
    """Whoever came first has said it."""
    if new:
        DayOpening.objects.bulk_create(new, ignore_conflicts=True)


def _written_down(copies: Copies, now: datetime) -> dict[int, Decimal]:
    days = {key: day_of(now, copy.time_zone) for key, copy in copies.items()}
    rows = DayOpening.objects.filter(subscription__in=list(copies), day__in=set(days.values()))
    return {
        key: result
        for key, day, result in rows.values_list("subscription_id", "day", "result")
        if day == days[key]
    }


def _told_by_books(copies: Copies, held: Holdings, prices: Prices, now: datetime) -> dict[int, Decimal]:
    """What is held now less what was traded today was held then; it is valued at these prices.

    At the present ones it is exact for who held nothing, and for the others as soon as the day has begun.
    """
    told = {}
    for start, keys in by_day_start(copies, now=now).items():
        traded = _traded_since(keys, start)
        for key in keys:
            copy, before = copies[key], dict(held.get(key, {}))
            realised = copy.realised_pnl
            for symbol, change in traded.get(key, {}).items():
                present = before.get(symbol, NOTHING)
                before[symbol] = present._replace(
                    held=present.held - change.held, cost=present.cost - change.cost
                )
                realised -= change.realised_pnl
            result = _result(copy, realised, before, prices)
            if result is not None:
                told[key] = result
    return told


# A sale takes the cost off that is not its result: what it brought, less its fee, less what it realised.
# Only a purchase that takes a sale back realises something. A fee without a value is in no booked cost.
_TRADED = """
    SELECT subscription_id, symbol,
        sum(CASE WHEN side = 'buy' THEN quantity ELSE -quantity END - in_base),
        sum(realised_pnl + CASE WHEN side = 'buy' THEN cost + in_cash ELSE in_cash - cost END),
        sum(realised_pnl)
    FROM (
        SELECT *,
            CASE WHEN fee_asset = split_part(symbol, '/', 1) THEN fee ELSE 0 END AS in_base,
            CASE WHEN fee_asset = split_part(symbol, '/', 1) THEN 0 ELSE coalesce(fee_in_quote, 0) END
                AS in_cash
        FROM ledger_trade WHERE subscription_id = ANY(%s) AND at >= %s
    ) AS traded
    GROUP BY 1, 2
"""


def _traded_since(keys: Iterable[int], start: datetime) -> dict[int, dict[str, Holding]]:
    """The change of each holding since then."""
    traded: dict[int, dict[str, Holding]] = defaultdict(dict)
    for key, symbol, held, cost, realised in select(_TRADED, (list(keys), start)):
        traded[key][symbol] = Holding(held, cost, realised, ZERO)
    return traded
