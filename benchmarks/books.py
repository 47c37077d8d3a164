"""What the books cost: an export beside PostgreSQL's own, settling beside bare inserts, and as they grow."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import Any

from benchmarks import history, settled
from benchmarks.extent import Extent
from benchmarks.history import History
from benchmarks.report import Figures
from benchmarks.stage import Stage
from execution.trades import with_orders
from ledger import export
from ledger.serializers import trades_of
from local.paths import ROOT
from local.report import Refusal, say
from records.bulk import copy_out

SMALL, LARGE = 10_000, 1_000_000


def run(stage: Stage, extent: Extent) -> Figures:
    """Alternatives take turns, so that they meet the same noise."""
    small, large = SMALL, LARGE
    if extent.followers:
        small, large = extent.followers * 10, extent.followers * 100
    books = history.begin()
    figures: dict[str, float] = {}
    books.grow(small, most=large)
    at_small = settled.measure(books, extent)
    figures[f"export_peak_mb_{small}_trades"] = _peak_mb(books)
    books.grow(large, most=large)
    at_large = settled.measure(books, extent)
    figures[f"export_peak_mb_{large}_trades"] = _peak_mb(books)
    figures["settle_vs_insert_select"] = at_large.bare_seconds / at_large.settle_seconds
    figures[f"settle_{large}_vs_{small}_trades"] = at_large.settle_seconds / at_small.settle_seconds
    figures["settle_fill_ms"] = at_large.settle_seconds * 1000
    return figures | _export(books, extent)


def _export(books: History, extent: Extent) -> dict[str, float]:
    rows = with_orders(trades_of(books.reader_id, {}))
    query, parameters = rows.order_by("-pk").values_list(*export.COLUMNS.values()).query.sql_with_params()
    # What was settled here is there too.
    count = rows.count()
    ours, theirs = [], []
    for _ in range(extent.repetitions(3)):
        ours.append(_taking(lambda: _count(export.FORMS["csv"].file_of(rows)), count + 1))
        theirs.append(_taking(lambda: _copied(query, parameters), count))
    say(f"  {count} trades: exported in {median(ours):.1f} s, by COPY in {median(theirs):.1f} s")
    return {
        "export_vs_copy": median(ours) / median(theirs),
        "export_trades_per_second": count / median(ours),
    }


def _taking(read: Callable[[], int], rows: int) -> float:
    began = time.perf_counter()
    count = read()
    took = time.perf_counter() - began
    if count != rows:
        raise Refusal(f"{count} rows were exported, not {rows}.")
    return took


def _count(blocks: Iterable[bytes]) -> int:
    return sum(block.count(b"\r\n") for block in blocks)


def _copied(query: str, parameters: Sequence[Any]) -> int:
    """As bare as a client can read it: nothing is done with a row."""
    blocks = copy_out(query, parameters, options="FORMAT csv", at_once=export.CHUNK)
    return sum(len(block) for block in blocks)


def _peak_mb(books: History) -> float:
    """The most that a process of its own ever had in memory which exported all there is, Django included."""
    command = [sys.executable, "-m", "benchmarks.export_once", str(books.reader_id)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    rows, peak = done.stdout.split()
    if int(rows) < books.trades:
        raise Refusal(f"{rows} rows were exported, not {books.trades}.")
    say(f"  {rows} trades: exported with at most {float(peak):.0f} MB")
    return float(peak)
