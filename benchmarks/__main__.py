"""`make bench`."""

from __future__ import annotations

import argparse
import importlib
import os
import time
from pathlib import Path

import django

from benchmarks import report, stage
from benchmarks.extent import Extent
from local.processes import Stopped, take_charge
from local.report import Refusal, run_main, say

BENCHMARKS = ("fan_out", "few_followers", "nonces", "marketplace", "books", "pages")
RESULTS = Path(__file__).parent / "results"


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    if not {"DATABASE_URL", "REDIS_URL"} <= os.environ.keys():
        raise Refusal("DATABASE_URL and REDIS_URL are not set: `make bench` starts both.")
    take_charge()
    try:
        _measure(
            options.names or BENCHMARKS,
            Extent(followers=options.followers, quick=options.quick),
            options.results,
        )
    except Stopped as stopped:
        return 128 + stopped.signal_number
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Ratios against alternatives.")
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS], metavar="NAME", help="default: all")
    parser.add_argument("--followers", type=int, metavar="N", help="instead of the usual numbers")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, under two minutes")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    return parser


def _measure(names: list[str] | tuple[str, ...], extent: Extent, results: Path) -> None:
    began = time.monotonic()
    with stage.running() as running:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "copytrade.settings")
        django.setup()
        for name in names:
            say(f"\n{name}")
            # Only now: a benchmark's models need the stage's environment.
            figures = importlib.import_module(f"benchmarks.{name}").run(running, extent)
            report.show(figures)
            say(f"  kept in {report.keep(results, name, figures)}")
    say(f"\n{time.monotonic() - began:.0f} s, load of this machine now {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    run_main(main)
