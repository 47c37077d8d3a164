"""One signal to 1,000 and 10,000 followers, beside ccxt that only places the same orders.

The platform's time ends when the last order is settled and booked; ccxt's when the last answer is read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

from django.utils import timezone

from benchmarks import copiers, crowd, processes
from benchmarks.crowd import ORDER, Crowd
from benchmarks.extent import Extent
from benchmarks.report import Figures
from benchmarks.stage import WORKERS, Stage
from execution import wishes
from local.report import say, step

SIZES = (1000, 10000)
LATENCIES = (0, 100)
# By size; others are small. Beyond a warm-up that counts for nothing but is shown.
REPETITIONS = {1000: 9, 10000: 3}


@dataclass(slots=True)
class Measured:
    """Each repetition's runs, interleaved: the platform, one process of ccxt, and as many as workers.

    `few` are the platform's runs with the smallest number of followers, in the same minutes.
    """

    followers: int
    platform: list[crowd.Copied] = field(default_factory=list)
    few: list[crowd.Copied] = field(default_factory=list)
    one: list[copiers.Copied] = field(default_factory=list)
    sharded: list[copiers.Copied] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return median(run.seconds for run in self.platform)

    @property
    def first_order_ms(self) -> float:
        return median(run.first_order_seconds for run in self.platform) * 1000

    def against(self, runs: list[copiers.Copied]) -> float:
        return self.seconds / median(run.seconds for run in runs)

    def cpu_of(self, *parts: str) -> float:
        """Milliseconds an order."""
        seconds = median(sum(run.cpu_seconds.get(part, 0.0) for part in parts) for run in self.platform)
        return seconds * 1000 / self.followers

    @property
    def bare_cpu(self) -> float:
        return median(run.cpu_seconds for run in self.one) * 1000 / self.followers


def run(stage: Stage, extent: Extent) -> Figures:
    measured: dict[tuple[int, int], Measured] = {}
    figures: dict[str, float] = {}
    few: Crowd | None = None
    for followers in extent.sizes(*SIZES):
        with step(f"gathering {followers} followers"):
            everybody = crowd.gather(stage, followers)
            # As beat does every five minutes.
            wishes.keep(now=timezone.now())
        few = few or everybody
        for latency, result in _measure_size(stage, everybody, few, extent).items():
            measured[followers, latency] = result
            name = f"fan_out_{followers}_{latency}ms_vs"
            figures[f"{name}_bare_ccxt"] = result.against(result.sharded)
            figures[f"{name}_one_bare_process"] = result.against(result.one)
        figures[f"worker_rss_mb_{followers}_accounts"] = max(map(processes.resident_mb, stage.worker_pids))
    return figures | _across(measured)


def _measure_size(stage: Stage, everybody: Crowd, few: Crowd, extent: Extent) -> dict[int, Measured]:
    followers = len(everybody.keys)
    with (
        copiers.copying("bare_ccxt", stage.venue, everybody.keys) as one,
        copiers.copying("bare_ccxt", stage.venue, everybody.keys, processes=len(WORKERS)) as sharded,
    ):
        stage.set_latency(0)
        cold = everybody.copy()
        say(f"  {followers} followers for the first time: {cold.seconds:.2f} s (not counted)")
        crowd.analyze()
        results = {}
        for latency in _latencies(followers, extent):
            stage.set_latency(latency)
            result = results[latency] = Measured(followers)
            for _ in range(_repetitions(followers, latency, extent)):
                if few is not everybody:
                    result.few.append(few.copy())
                result.platform.append(everybody.copy())
                result.one.append(one.copy(ORDER))
                result.sharded.append(sharded.copy(ORDER))
            _show(latency, result)
        stage.set_latency(0)
    return results


def _latencies(followers: int, extent: Extent) -> tuple[int, ...]:
    return LATENCIES[:1] if extent.quick and followers > 1000 else LATENCIES


def _repetitions(followers: int, latency: int, extent: Extent) -> int:
    usual = REPETITIONS.get(followers, 1)
    return extent.repetitions(min(usual, 2) if latency and followers > 1000 else usual)


def _show(latency: int, result: Measured) -> None:
    parts = {part: result.cpu_of(part) for part in result.platform[0].cpu_seconds}
    say(
        f"  {result.followers} followers, {latency} ms: platform {_all(result.platform)} s, "
        f"ccxt in one process {_all(result.one)} s, in {len(WORKERS)} {_all(result.sharded)} s; "
        f"first order after {result.first_order_ms:.0f} ms\n"
        f"    CPU an order: {', '.join(f'{part} {ms:.2f}' for part, ms in parts.items())}; "
        f"ccxt alone {result.bare_cpu:.2f} ms"
    )


def _all(runs: list[crowd.Copied] | list[copiers.Copied]) -> str:
    return "/".join(f"{run.seconds:.2f}" for run in runs)


def _across(measured: dict[tuple[int, int], Measured]) -> dict[str, float]:
    """Figures over several sizes, all without latency."""
    prompt = {followers: result for (followers, latency), result in measured.items() if not latency}
    figures = {
        "first_order_ms": max(result.first_order_ms for result in prompt.values()),
        "cpu_but_venue_vs_bare_ccxt": max(
            result.cpu_of("workers", "postgresql", "redis") / result.bare_cpu for result in prompt.values()
        ),
    }
    few, many = (prompt.get(followers) for followers in SIZES)
    if few and many:
        for_few = median(run.seconds for run in many.few) / few.followers
        figures["growth_10000_vs_1000"] = many.seconds / many.followers / for_few
    return figures
