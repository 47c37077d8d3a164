"""Step 2, first half: a signal's followers are cut into slices, which any number of workers write at once.

Round they go from a different follower with each signal, so that nobody is always last.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import repeat
from json import dumps

from django.db import transaction

from execution.endings import finish_if_settled
from execution.metrics import count_statuses
from execution.models import FanOutSlice
from execution.reasons import Reason
from execution.states import Status
from execution.thin import shares_of
from records.bulk import insert_rows, next_ids, one_row, select, update_rows
from strategies.models import Signal

SLICE = 250
# The first followers need not wait until all the others are cut, nor for a whole slice to be written.
FIRST_SLICE = 50
# Slices cut in one go: between two of them other signals have their turn.
AT_ONCE = 8
# Spreads who goes first over the followers; any large prime does.
ROTATION = 2_147_483_647
CLOCKS_DIFFER = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Plan:
    """Slices to be written; `is_complete`: when they are, the signal is written for everybody."""

    slice_ids: list[int]
    is_exit: bool
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Entries that a full exit made needless: their signals, and how many there were at each venue."""

    signal_ids: set[int] = field(default_factory=set)
    by_exchange: Mapping[str, int] = field(default_factory=dict)


def plan(signal_id: int, *, now: datetime) -> Plan:
    """The next slices to write for the signal. Goes on where somebody who died has stopped.

    While an earlier signal of the same strategy and symbol is not written for everybody, its slices come
    first: an exit must find the entries that it closes.
    """
    overtaken = Overtaken()
    with transaction.atomic(durable=True):
        signal = _first_to_write(signal_id, now)
        if signal is None:
            return Plan([], is_exit=False, is_complete=True)
        if signal.fan_out_start is None:
            overtaken = _start(signal, now)
        slice_ids = _unwritten(signal) if signal.fan_out_is_planned else _cut(signal)
        if signal.fan_out_cursor == 0 and not signal.fan_out_is_planned:
            # Come round: who is below the start need not wait for another plan.
            slice_ids += _cut(signal)
        _write(signal, now)
    finish_if_settled(overtaken.signal_ids)
    count_statuses({(Status.SKIPPED, exchange): count for exchange, count in overtaken.by_exchange.items()})
    if not slice_ids:
        finish(signal.pk, now=now)
    return Plan(slice_ids, signal.is_exit, signal.fan_out_is_planned and signal.pk == signal_id)


def take(slice_id: int) -> tuple[int, int, int] | None:
    """Its signal, and between which ids its followers are: to write their orders in this transaction.

    None if somebody has done so. Who asks meanwhile waits for this transaction's end.
    """
    query = "DELETE FROM execution_fanoutslice WHERE id = %s RETURNING signal_id, above, upto"
    return next(iter(select(query, (slice_id,))), None)


def finish(signal_id: int, *, now: datetime) -> None:
    """After a slice is written: when it was the last one, the signal is written for everybody."""
    if (True,) in select(_FINISH, (now, now, signal_id)):
        finish_if_settled({signal_id})


_FINISH = """
    UPDATE strategies_signal SET fan_out_moved_at = %s, fanned_out_at = CASE
        WHEN fan_out_is_planned AND NOT EXISTS (
            SELECT 1 FROM execution_fanoutslice f WHERE f.signal_id = strategies_signal.id
        ) THEN %s::timestamptz
    END
    WHERE id = %s AND number IS NOT NULL AND fanned_out_at IS NULL
    RETURNING fanned_out_at IS NOT NULL
"""


# The first order of a signal waits for all that is asked here: Django would need longer to put most of these
# questions than PostgreSQL to answer them.
_FIRST_TO_WRITE = """
    SELECT s.id FROM strategies_signal wanted
    JOIN strategies_strategy t ON t.id = wanted.strategy_id
    JOIN strategies_signal s ON s.strategy_id = wanted.strategy_id AND s.symbol = wanted.symbol
        AND s.number <= wanted.number AND s.fanned_out_at IS NULL
    WHERE wanted.id = %s AND (
        s.id = wanted.id OR s.side = 'sell'
        OR s.at >= %s::timestamptz - make_interval(secs => t.max_signal_age_seconds)
    )
    ORDER BY s.number LIMIT 1
    FOR NO KEY UPDATE OF s
"""


def _first_to_write(signal_id: int, now: datetime) -> Signal | None:
    """Locked. Entries that are too old to be bought hold up nobody."""
    found = select(_FIRST_TO_WRITE, (signal_id, now - CLOCKS_DIFFER))
    return one_row(Signal, found[0][0]) if found else None


def _write(signal: Signal, now: datetime) -> None:
    """How far its followers are cut into slices."""
    signal.fan_out_moved_at = now
    shares = None if signal.thin_shares is None else dumps(signal.thin_shares)
    row = signal.pk, signal.fan_out_start, signal.fan_out_cursor, signal.fan_out_is_planned, now, shares
    names = "id", "fan_out_start", "fan_out_cursor", "fan_out_is_planned", "fan_out_moved_at", "thin_shares"
    update_rows(Signal, names, [row])


def _unwritten(signal: Signal) -> list[int]:
    left = FanOutSlice.objects.filter(signal=signal).order_by("pk")
    return list(left.values_list("pk", flat=True)[:AT_ONCE])


def _start(signal: Signal, now: datetime) -> Overtaken:
    """Choose who goes first, cut what a thin coin has no room for, and let a full exit overtake the entries
    that have not left yet."""
    own = signal.strategy_id
    [(low, high, count)] = select(_EXTENT, (own, FIRST_SLICE + 1, own))
    # All in one slice: nobody is last.
    are_few = count <= FIRST_SLICE
    turn = 0 if are_few else ((signal.number or 0) * ROTATION) % (high - low + 1)
    signal.fan_out_start = (low or 0) + turn
    signal.fan_out_cursor = signal.fan_out_start - 1
    signal.thin_shares = shares_of(signal, now=now)
    return _overtake(signal) if signal.exit_fraction == 1 else Overtaken()


_EXTENT = """
    SELECT min(id), max(id), (SELECT count(*) FROM (
        SELECT 1 FROM subscriptions_subscription WHERE strategy_id = %s AND status <> 'closed' LIMIT %s
    ) few)
    FROM subscriptions_subscription WHERE strategy_id = %s AND status <> 'closed'
"""

# What followers opened on their own goes too: the master holds it no more.
_OVERTAKE = """
    UPDATE execution_copyorder o
    SET status = 'skipped', reason_code = %s, finished_at = %s, updated_at = %s
    FROM wallets_exchangeaccount a
    WHERE a.id = o.exchange_account_id AND o.strategy_id = %s AND o.symbol = %s AND o.kind = 'entry'
        AND o.status = 'pending' AND o.attempt = 0 AND o.origin IN ('signal', 'opening')
    RETURNING o.signal_id, a.exchange
"""


def _overtake(signal: Signal) -> Overtaken:
    moment = signal.detected_at
    rows = select(
        _OVERTAKE, (Reason.OVERTAKEN_BY_EXIT.value, moment, moment, signal.strategy_id, signal.symbol)
    )
    return Overtaken({key for key, _ in rows if key}, Tally(exchange for _, exchange in rows))


# --- Up from the start by id, and then round from the lowest ------------------------------------------
# The cursor is the id the cutting has come to; once it has gone round, that id negative (0 before the first).

# Each row is the last id of a slice.
_CUTS = """
    SELECT max(id) FROM (
        SELECT id, (row_number() OVER (ORDER BY id) - 1) / %s AS slice FROM (
            SELECT id FROM subscriptions_subscription
            WHERE strategy_id = %s AND status <> 'closed' AND starts_after_number < %s
                AND id > %s AND (%s::bigint IS NULL OR id < %s)
            ORDER BY id LIMIT %s
        ) ahead
    ) numbered
    GROUP BY slice ORDER BY slice
"""


def _cut(signal: Signal) -> list[int]:
    """Cut the next followers into slices, and move the cursor behind them."""
    start, cursor = signal.fan_out_start or 0, signal.fan_out_cursor or 0
    is_round = cursor < start - 1
    is_first = cursor == start - 1
    above, below = (-cursor, start) if is_round else (cursor, None)
    size, most = (FIRST_SLICE, FIRST_SLICE) if is_first else (SLICE, SLICE * AT_ONCE)
    # One more tells whether there are any beyond.
    asked = (size, signal.strategy_id, signal.number, above, below, below, most + 1)
    ends = [end for (end,) in select(_CUTS, asked)]
    are_more = len(ends) > most // size
    ends = ends[: most // size]
    keys = [key for (key,) in next_ids(len(ends), FanOutSlice)]
    rows = zip(keys, repeat(signal.pk), [above, *ends], ends, strict=False)
    insert_rows(FanOutSlice, ("id", "signal", "above", "upto"), list(rows))
    last = ends[-1] if ends else above
    signal.fan_out_cursor = -last if is_round else last
    if not are_more:
        # All above the start are cut: round to the lowest; round already, or nobody below: that was all.
        signal.fan_out_cursor = 0
        signal.fan_out_is_planned = is_round or start <= 1
    return keys
