"""When who is killed or frozen, drawn from a seed, and when they come back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from tests.crashes.victims import Victim

KILL, FREEZE = "kill", "freeze"
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Plan:
    """Seconds, each drawn between two bounds. Everybody's first freeze is a long one.

    `frozen` names who is frozen at all; at most `at_once` are struck at the same time. `is_endless`: again
    and again, else everybody once.
    """

    pause: Span
    downtime: Span
    first_freeze: Span
    freeze: Span
    frozen: Sequence[str]
    at_once: int = 2
    is_endless: bool = True


@dataclass(slots=True)
class Blow:
    victim: str
    kind: str
    until: float


@dataclass
class Blows:
    """`tick` often: it ends what is over and strikes what is due."""

    victims: Mapping[str, Victim]
    plan: Plan
    random: Random
    tell: Callable[[str], None]
    struck: Counter[tuple[str, str]] = field(default_factory=Counter)
    standing: dict[str, Blow] = field(default_factory=dict)
    next_at: float = 0.0

    def __post_init__(self) -> None:
        self._order = self._in_rounds()
        self._waiting = next(self._order, None)

    @property
    def is_everybody_struck(self) -> bool:
        return all(self.struck[pair] for pair in self._pairs())

    def is_frozen(self, name: str) -> bool:
        return name in self.standing and self.standing[name].kind == FREEZE

    def tick(self) -> None:
        now = time.monotonic()
        for blow in [blow for blow in self.standing.values() if blow.until <= now]:
            self._end(blow)
        if self._waiting is None or now < self.next_at or len(self.standing) >= self.plan.at_once:
            return
        if self._waiting[0] not in self.standing:
            self._strike(*self._waiting)
            self._waiting = next(self._order, None)
            self.next_at = time.monotonic() + self.random.uniform(*self.plan.pause)

    def end_all(self) -> None:
        """Engines first, so that the processes find them."""
        for blow in sorted(self.standing.values(), key=lambda blow: blow.victim not in ENGINES):
            self._end(blow)

    def _strike(self, name: str, kind: str) -> None:
        victim = self.victims[name]
        if kind == KILL:
            seconds = self.random.uniform(*self.plan.downtime)
            victim.kill()
        else:
            is_first = not self.struck[name, kind]
            seconds = self.random.uniform(*(self.plan.first_freeze if is_first else self.plan.freeze))
            victim.freeze()
        self.struck[name, kind] += 1
        self.standing[name] = Blow(name, kind, time.monotonic() + seconds)
        self.tell(f"{kind} {name} for {seconds:.1f} s")

    def _end(self, blow: Blow) -> None:
        del self.standing[blow.victim]
        victim = self.victims[blow.victim]
        if blow.kind == KILL:
            victim.revive()
        else:
            victim.thaw()

    def _pairs(self) -> list[tuple[str, str]]:
        return [(name, KILL) for name in self.victims] + [(name, FREEZE) for name in self.plan.frozen]

    def _in_rounds(self) -> Iterator[tuple[str, str]]:
        """Everybody once in every round, in an order of its own."""
        while True:
            pairs = self._pairs()
            self.random.shuffle(pairs)
            yield from pairs
            if not self.plan.is_endless:
                return


ENGINES = ("postgres", "valkey")
