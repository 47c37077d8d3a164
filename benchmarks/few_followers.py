"""A few followers, as most copiers have them, beside the open copiers' shape."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from benchmarks import copiers, crowd
from benchmarks.crowd import ORDER
from benchmarks.extent import Extent
from benchmarks.report import Figures
from benchmarks.stage import Stage
from local.report import say, step

# One order at a time: the last one is accepted after all answers but its own half of the way.
LATENCY = 100


def run(stage: Stage, extent: Extent) -> Figures:
    (few,), (more,) = extent.sizes(50), extent.sizes(200)
    return {
        f"last_follower_{few}_{LATENCY}ms_vs_serial_copier": _last_follower(stage, few, extent),
        f"settled_{more}_0ms_vs_serial_copier": _settled(stage, more, extent),
    }


def _last_follower(stage: Stage, followers: int, extent: Extent) -> float:
    """Until the venue has accepted the last follower's order, by its own clock, on both sides."""
    pairs = list(_pairs(stage, followers, LATENCY, extent.repetitions(3)))
    ours = median(run.last_order_seconds for run, _ in pairs)
    theirs = median(run.seconds for _, run in pairs) - LATENCY / 2000
    say(f"  last of {followers} at {LATENCY} ms: platform {ours:.3f} s, serial copier {theirs:.3f} s")
    return ours / theirs


def _settled(stage: Stage, followers: int, extent: Extent) -> float:
    """The platform's books are written; the copier's last answer is read."""
    pairs = list(_pairs(stage, followers, 0, extent.repetitions(9)))
    ours = median(run.seconds for run, _ in pairs)
    theirs = median(run.seconds for _, run in pairs)
    say(f"  {followers} settled at 0 ms: platform {ours:.3f} s, serial copier {theirs:.3f} s")
    return ours / theirs


def _pairs(
    stage: Stage, followers: int, latency: int, repetitions: int
) -> Iterator[tuple[crowd.Copied, copiers.Copied]]:
    with step(f"gathering {followers} followers"):
        everybody = crowd.gather(stage, followers)
    with copiers.copying("serial_copier", stage.venue, everybody.keys) as serial:
        stage.set_latency(0)
        everybody.copy()
        crowd.analyze()
        stage.set_latency(latency)
        for _ in range(repetitions):
            yield everybody.copy(), serial.copy(ORDER)
        stage.set_latency(0)
