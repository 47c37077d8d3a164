"""How much a run measures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Extent:
    """`followers` replaces the usual numbers of followers; `quick` measures each
    thing once or twice, and leaves out what takes longest."""

    followers: int | None = None
    quick: bool = False

    def sizes(self, *usual: int) -> tuple[int, ...]:
        return usual if self.followers is None else (self.followers,)

    def repetitions(self, usual: int) -> int:
        return max(1, usual // 3) if self.quick else usual
