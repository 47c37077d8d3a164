"""A campaign: a master trades along the tape, everything breaks, and afterwards the books are compared."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from local.report import Refusal, say, step
from tests.crashes import faults, master, stage
from tests.crashes.blows import Blows, Plan, Span
from tests.crashes.master import Master, TapeTrade
from tests.crashes.stage import PROCESSES, Stage
from tests.flows.platform_run import eventually

TICK_SECONDS = 0.05
# A process manager does not start at once again what has just ended.
TEND_SECONDS = 1.0
STORM_SECONDS = (0.5, 3.0)
# While the database stands still, every trade becomes a signal that is too old for its entries.
SLOWER = 5
EVERYTHING = (*PROCESSES, "postgres", "valkey")


@dataclass(frozen=True, slots=True)
class Extent:
    """At least so many `orders` are placed; `pace` is between two trades, `mischief` between two fits of
    the venue, `patience` how long afterwards everything may take to be settled; all in seconds.
    """

    orders: int
    followers: int
    pace: Span
    mischief: Span
    patience: float
    plan: Plan


def full(orders: int) -> Extent:
    """Everybody is frozen once for longer than the longest limit, which is the broker's of 60 s."""
    plan = Plan(
        pause=(4, 14),
        downtime=(0.3, 6),
        first_freeze=(62, 70),
        freeze=(7, 20),
        frozen=EVERYTHING,
    )
    return Extent(orders, followers=50, pace=(0.5, 2.5), mischief=(4, 12), patience=300, plan=plan)


def short() -> Extent:
    """Everybody is killed once, and a worker frozen for longer than the venue takes its requests."""
    plan = Plan(
        pause=(0.5, 1.5),
        downtime=(0.2, 0.8),
        first_freeze=(8.5, 9),
        freeze=(8.5, 9),
        frozen=("trading",),
        is_endless=False,
    )
    return Extent(orders=120, followers=15, pace=(0.3, 0.9), mischief=(2, 4), patience=90, plan=plan)


@dataclass(frozen=True, slots=True)
class Result:
    """Checks before and after the master's last sale, and what came of the orders."""

    checks: list[dict[str, Any]]
    outcomes: dict[str, int]
    retried: int
    placed: int
    struck: dict[str, int]
    restarts: list[str]

    @property
    def differences(self) -> list[str]:
        return [f"{check['name']}: {text}" for check in self.checks for text in check["differences"]]


def run(run_dir: Path, *, tape: Path, seed: int, extent: Extent, tell: Callable[[str], None] = say) -> Result:
    """Start everything, break it, mend it, and compare."""
    with step("starting engines, exchange and platform"):
        started = stage.running(run_dir, seed=seed)
        running = started.__enter__()
    try:
        return Campaign(running, tape=tape, seed=seed, extent=extent, tell=tell).run()
    finally:
        started.__exit__(None, None, None)


class Campaign:
    def __init__(
        self, running: Stage, *, tape: Path, seed: int, extent: Extent, tell: Callable[[str], None]
    ) -> None:
        self.stage = running
        self.extent = extent
        self.tell = tell
        self.random = Random(seed)
        self.tape = master.read_tape(tape, start=self.random.randrange(5000))
        self.blows = Blows(running.victims, extent.plan, Random(f"{seed}:blows"), self._say)
        built = running.inside("build", name="chaos", followers=extent.followers)
        self.strategy: int = built["strategy"]
        self.keys: list[str] = built["keys"]
        self.master = Master(running.platform.paper_url, built["master"], running.control)
        self.began = time.monotonic()
        self._tend_at = self._mischief_at = 0.0
        self._storm: int | None = None

    def run(self) -> Result:
        eventually(lambda: self.stage.inside("is_watched", strategy=self.strategy), bool)
        self.stage.control("POST", "faults", faults.standing_faults(self.keys))
        self._break_everything()
        self._mend()
        self._await_quiet()
        before = self.stage.inside("compare", strategy=self.strategy, is_sold=False)
        self.master.sell_all()
        self._await_quiet()
        after = self.stage.inside("compare", strategy=self.strategy, is_sold=True)
        return Result(
            checks=_together(before["checks"], after["checks"]),
            outcomes=after["outcomes"],
            retried=after["retried"],
            placed=after["placed"],
            struck={f"{kind} {name}": count for (name, kind), count in sorted(self.blows.struck.items())},
            restarts=self.stage.restarts,
        )

    def _break_everything(self) -> None:
        """Until enough orders were placed and everybody was struck."""
        while len(self.master.placed) < self.extent.orders or not self.blows.is_everybody_struck:
            self._trade()
            calm = SLOWER if self.blows.is_frozen("postgres") else 1
            self._wait(calm * self.random.uniform(*self.extent.pace))

    def _trade(self) -> None:
        wanted: TapeTrade = next(self.tape)
        while not self.master.follow(wanted):
            wanted = next(self.tape)

    def _mischief(self) -> None:
        """A storm begins or ends, or the streams are cut."""
        if time.monotonic() < self._mischief_at:
            return
        self._mischief_at = time.monotonic() + self.random.uniform(*self.extent.mischief)
        if self._storm is not None:
            self.stage.control("DELETE", f"faults?id={self._storm}")
            self._storm = None
        elif self.random.random() < 0.5:
            (rule,) = self.stage.control("POST", "faults", faults.storm())
            self._storm = rule["id"]
            self._mischief_at = time.monotonic() + self.random.uniform(*STORM_SECONDS)
        else:
            self.stage.control("POST", "faults", faults.cut_streams())

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.blows.tick()
            self._mischief()
            self._tend()
            time.sleep(TICK_SECONDS)

    def _tend(self) -> None:
        if time.monotonic() >= self._tend_at:
            self.stage.tend(frozenset(self.blows.standing))
            self._tend_at = time.monotonic() + TEND_SECONDS

    def _mend(self) -> None:
        self._say("mending everything")
        self.blows.end_all()
        self.stage.control("DELETE", "faults")

    def _await_quiet(self) -> None:
        """Everything runs, and what ends by itself is started again."""
        deadline = time.monotonic() + self.extent.patience
        left: dict[str, int] = {}
        while time.monotonic() < deadline:
            self.stage.tend(frozenset())
            left = self.stage.inside("await_quiet", strategy=self.strategy, seconds=5)
            if not any(left.values()):
                return
        self._say(f"not settled after {self.extent.patience:.0f} s: {left}")

    def _say(self, text: str) -> None:
        placed, trades = len(self.master.placed), self.master.trades
        self.tell(f"  {time.monotonic() - self.began:6.1f} s  {trades:4} trades {placed:6} orders  {text}")


def _together(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A difference counts once, in whichever of the two comparisons it was seen."""
    first = {check["name"]: check["differences"] for check in before}
    return [
        check | {"differences": list(dict.fromkeys(first.get(check["name"], []) + check["differences"]))}
        for check in after
    ]


def require_tape() -> Path:
    path = master.tape_file()
    if path is None:
        raise Refusal(f"There is no tape: set COPYTRADE_DATA to the folder that has {master.TAPE}.")
    return path
