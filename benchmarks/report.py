"""Figures, their budgets, and where they are kept."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from local.report import say

Figures = Mapping[str, float]

# At most. A figure without a budget is only shown.
BUDGETS = {
    **{
        f"fan_out_{followers}_{latency}ms_vs_{other}": budget
        for followers in (1000, 10000)
        for latency in (0, 100)
        for other, budget in (("bare_ccxt", 1.5), ("one_bare_process", 1.0))
    },
    "first_order_ms": 50.0,
    "growth_10000_vs_1000": 1.1,
    "cpu_but_venue_vs_bare_ccxt": 1.6,
    "last_follower_50_100ms_vs_serial_copier": 1 / 40,
    "settled_200_0ms_vs_serial_copier": 1 / 3,
    "nonce_request_vs_plain_request": 1.2,
    "export_vs_copy": 3.0,
    "settle_1000000_vs_10000_trades": 1.2,
}
# At least: a rate.
FLOORS = {"settle_vs_insert_select": 0.5}


def show(figures: Figures) -> None:
    """A table: figure, budget, and whether it is met."""
    width = max(map(len, figures))
    say(f"\n  {'figure':{width}}  {'measured':>9}  {'budget':>10}")
    for name, value in figures.items():
        limit, is_met = _budget(name, value)
        verdict = "" if not limit else ("met" if is_met else "NOT MET")
        say(f"  {name:{width}}  {value:9.3f}  {limit:>10}  {verdict}".rstrip())


def _budget(name: str, value: float) -> tuple[str, bool]:
    """As it is shown, and whether it is met; empty where there is none."""
    if name in FLOORS:
        return f">= {FLOORS[name]:.3g}", value >= FLOORS[name]
    if name in BUDGETS:
        return f"<= {BUDGETS[name]:.3g}", value <= BUDGETS[name]
    return "", True


def keep(folder: Path, name: str, figures: Figures) -> Path:
    """Write NAME.json and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    kept = {
        "figures": {figure: round(value, 4) for figure, value in figures.items()},
        "machine": machine(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    path.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    return path


def machine() -> dict[str, object]:
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "model": _model(),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def _model() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
