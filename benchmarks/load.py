"""`make load`: the whole platform while people look at pages, ask its API, export trades and send signals.

Beside it, by turns and from the same clients, a bare Django view behind the same server.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django

from benchmarks import report, stage
from local.paths import ROOT, RUN
from local.platform import PROCESSES, Platform
from local.ports import free_port, is_connectable
from local.processes import Stopped, take_charge
from local.report import Refusal, run_main, say, step
from local.run_folder import temporary

RESULTS = Path(__file__).parent / "results"
BARE = "bare"
KINDS = ("page", "api", "export", "signal", BARE)
START_SECONDS = 15.0
COLUMNS = ("requests", "per_second", "p50_ms", "p95_ms", "p99_ms", "errors")


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    if not {"DATABASE_URL", "REDIS_URL"} <= os.environ.keys():
        raise Refusal("DATABASE_URL and REDIS_URL are not set: `make load` starts both.")
    take_charge()
    before = os.getloadavg()[0]
    try:
        with _running() as (platform, bare_url):
            figures = _measure(platform, bare_url, options)
    except Stopped as stopped:
        return 128 + stopped.signal_number
    kept = report.keep(options.results, "load", {**figures, "load_of_machine_before": before})
    say(f"  kept in {kept}; load of this machine before it {before:.1f}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description="The platform under load.")
    parser.add_argument("--seconds", type=float, default=20.0, metavar="N", help="of asking (20)")
    parser.add_argument("--clients", type=int, default=8, metavar="N", help="who ask at once (8)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the order in which they ask (1)")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    return parser


@contextlib.contextmanager
def _running() -> Iterator[tuple[Platform, str]]:
    """Every process of the Procfile with the demo's people, and the bare view's server."""
    with (
        temporary(RUN, "load-") as (run_dir, lock),
        stage.own_database(run_dir) as env,
        stage.stopped_at_the_end(Platform(run_dir, env=env, keep_open=(lock,))) as platform,
    ):
        os.environ.update(platform.env | {"LOG_LEVEL": "WARNING"})
        with step("migrating a database, collecting static files"):
            platform.manage("migrate", "--no-input")
            platform.manage("collectstatic", "--no-input")
        with step("seeding masters and followers"):
            platform.start("paper")
            platform.wait_ready("paper")
            platform.manage("seed_demo")
        with step(f"starting {', '.join(PROCESSES)} and a bare view"):
            for name in PROCESSES:
                platform.start(name)
            bare_url = _start_bare_view(platform)
            platform.wait_ready(*PROCESSES)
        yield platform, bare_url


def _start_bare_view(platform: Platform) -> str:
    """By the command of the platform's own web processes."""
    port = free_port()
    command = platform.commands["web"].replace("copytrade.wsgi", "benchmarks.bare_view")
    platform.commands[BARE] = command
    platform.start(BARE, env={"PORT": str(port)})
    deadline = time.monotonic() + START_SECONDS
    while not is_connectable(port):
        if time.monotonic() > deadline:
            raise Refusal(f"the bare view was not ready in {START_SECONDS:.0f} s.")
        time.sleep(0.05)
    return f"http://127.0.0.1:{port}"


def _measure(platform: Platform, bare_url: str, options: argparse.Namespace) -> dict[str, float]:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "copytrade.settings")
    django.setup()
    # Only now: models need the platform's environment.
    from benchmarks import audience

    plan = {
        "url": platform.url,
        "bare_url": bare_url,
        "seconds": options.seconds,
        "seed": options.seed,
        "people": audience.people(options.clients),
        "masters": audience.masters(),
    }
    with step(f"{options.clients} clients ask for {options.seconds:.0f} s, masters send signals"):
        told = _visit(plan)
    figures = _figures(told)
    _show(figures, told["errors"])
    copied = audience.copies()
    say(
        f"\n  {copied['orders']:.0f} orders copied meanwhile, {copied['orders_unfinished']:.0f} unfinished; "
        f"from the order's row to its books p50 {copied['order_p50_ms']:.0f} ms, "
        f"p95 {copied['order_p95_ms']:.0f} ms"
    )
    return {**figures, **copied}


def _visit(plan: dict[str, Any]) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.visitors"]
    done = subprocess.run(
        command, cwd=ROOT, input=json.dumps(plan) + "\n", stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise Refusal(f"the visitors ended with exit code {done.returncode}; their own words are above.")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _figures(told: dict[str, Any]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for kind in KINDS:
        took = told["took"].get(kind, [])
        if len(took) < 2:
            raise Refusal(f"fewer than two requests of kind {kind} were answered: {told['errors']}")
        seconds = told["seconds"][BARE if kind == BARE else "mixed"]
        parts = statistics.quantiles(took, n=100, method="inclusive")
        values = (
            len(took),
            len(took) / seconds,
            *(parts[percent - 1] for percent in (50, 95, 99)),
            sum(told["errors"].get(kind, {}).values()),
        )
        figures |= {f"{kind}_{column}": value for column, value in zip(COLUMNS, values, strict=True)}
    figures["page_p50_vs_bare"] = figures["page_p50_ms"] / figures["bare_p50_ms"]
    return figures


def _show(figures: dict[str, float], errors: dict[str, dict[str, int]]) -> None:
    say(f"\n  {'kind':8}" + "".join(f"{column.replace('_', ' '):>12}" for column in COLUMNS))
    for kind in KINDS:
        cells = (figures[f"{kind}_{column}"] for column in COLUMNS)
        say(f"  {kind:8}" + "".join(f"{cell:12.1f}".removesuffix(".0").rjust(12) for cell in cells))
    for kind, counts in errors.items():
        say(f"  errors of {kind}: {', '.join(f'{count} x {what}' for what, count in counts.items())}")


if __name__ == "__main__":
    run_main(main)
