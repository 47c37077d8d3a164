"""A few followers, as most copiers have them, beside the open copiers' shape."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from benchmarks import copiers, crowd
from benchmarks.crowd import ORDER
from benchmarks.extent import Extent
from benchmarks.report import Figures
from benchmarks.stage import WORKERS, Stage
from local.report import say, step

# One order at a time: the last one is accepted after all answers but its own half of the way.
LATENCY = 100


@dataclass(frozen=True, slots=True)
class Run:
    """One order of the master, copied by each in turn."""

    platform: crowd.Copied
    serial: copiers.Copied
    bare: copiers.Copied


def run(stage: Stage, extent: Extent) -> Figures:
    (few,), (more,) = extent.sizes(50), extent.sizes(200)
    return {
        f"last_follower_{few}_{LATENCY}ms_vs_serial_copier": _last_follower(stage, few, extent),
        **_settled(stage, more, extent),
    }


def _last_follower(stage: Stage, followers: int, extent: Extent) -> float:
    """Until the venue has accepted the last follower's order, by its own clock, on both sides."""
    runs = list(_runs(stage, followers, LATENCY, extent.repetitions(3)))
    ours = median(run.platform.last_order_seconds for run in runs)
    theirs = median(run.serial.seconds for run in runs) - LATENCY / 2000
    say(f"  last of {followers} at {LATENCY} ms: platform {ours:.3f} s, serial copier {theirs:.3f} s")
    return ours / theirs


def _settled(stage: Stage, followers: int, extent: Extent) -> Figures:
    """The platform's books are written; the copiers' last answers are read.

    Bare ccxt in as many processes as the platform has shows what is left to win on this machine.
    """
    runs = list(_runs(stage, followers, 0, extent.repetitions(9)))
    ours = median(run.platform.seconds for run in runs)
    theirs = median(run.serial.seconds for run in runs)
    bare = median(run.bare.seconds for run in runs)
    say(
        f"  {followers} settled at 0 ms: platform {ours:.3f} s, serial copier {theirs:.3f} s,"
        f" ccxt in {len(WORKERS)} processes {bare:.3f} s"
    )
    return {
        f"settled_{followers}_0ms_vs_serial_copier": ours / theirs,
        f"bare_ccxt_{followers}_0ms_vs_serial_copier": bare / theirs,
    }


def _runs(stage: Stage, followers: int, latency: int, repetitions: int) -> Iterator[Run]:
    with step(f"gathering {followers} followers"):
        everybody = crowd.gather(stage, followers)
    with (
        copiers.copying("serial_copier", stage.venue, everybody.keys) as serial,
        copiers.copying("bare_ccxt", stage.venue, everybody.keys, processes=len(WORKERS)) as bare,
    ):
        stage.set_latency(0)
        everybody.copy()
        crowd.analyze()
        stage.set_latency(latency)
        for _ in range(repetitions):
            yield Run(everybody.copy(), serial.copy(ORDER), bare.copy(ORDER))
        stage.set_latency(0)
