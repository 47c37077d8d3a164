"""`make chaos`: the fault campaign. SEED and ORDERS choose; exit code 1 on any difference."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

from local.paths import RUN
from local.processes import Stopped, take_charge
from local.report import Refusal, run_main, say
from local.run_folder import LOCK_NAME, PUBLIC_FOLDERS, locked, outside_folder
from tests.crashes import campaign
from tests.crashes.campaign import Result

USAGE = "Usage: [SEED=n] [ORDERS=n] python -m tests.crashes"
ORDERS = 10_000
SHOWN = 5
FOLDER = RUN / "chaos"


def main(arguments: list[str]) -> int:
    if arguments:
        raise Refusal(USAGE)
    seed, orders = _number("SEED", secrets.randbelow(1_000_000)), _number("ORDERS", ORDERS)
    tape = campaign.require_tape()
    take_charge()
    try:
        with locked(FOLDER, refusal="a campaign runs already in this checkout."):
            _empty(FOLDER)
            say(f"SEED={seed} ORDERS={orders}; logs and the database stay in {FOLDER.parent.name}/chaos/")
            result = campaign.run(FOLDER, tape=tape, seed=seed, extent=campaign.full(orders))
    except Stopped as stopped:
        return 128 + stopped.signal_number
    show(result)
    say(f"SEED={seed}")
    return 1 if result.differences else 0


def show(result: Result) -> None:
    """The table, what was done to everything, and the first differences of each check."""
    say(f"\n  {'check':40} {'compared':>9} {'different':>10}")
    for check in result.checks:
        say(f"  {check['name']:40} {check['compared']:9} {len(check['differences']):10}")
        for text in check["differences"][:SHOWN]:
            say(f"      {text}")
    _list("what was done", result.struck | {"ended by themselves": len(result.restarts)})
    _list("how the orders ended", result.outcomes)
    say(
        f"\n{result.placed} orders sent, {result.retried} of them more than once; "
        f"{_of(result, 'orders lost')} lost, {_of(result, 'orders doubled')} duplicated, "
        f"{len(result.differences)} differences"
    )


def _list(title: str, counts: dict[str, int]) -> None:
    say(f"\n  {title}")
    for name, count in counts.items():
        say(f"  {name:40} {count:9}")


def _of(result: Result, name: str) -> int:
    return sum(len(check["differences"]) for check in result.checks if check["name"] == name)


def _number(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not (text.isascii() and text.isdecimal()):
        raise Refusal(f"{name}={text} is not a number.")
    return int(text)


def _empty(folder: Path) -> None:
    """What the campaign before has left, here and where a short path was needed."""
    for found in folder.iterdir():
        if found.is_dir():
            shutil.rmtree(found)
        elif found.name != LOCK_NAME:
            found.unlink()
    for parent in PUBLIC_FOLDERS:
        shutil.rmtree(outside_folder(parent, folder), ignore_errors=True)


if __name__ == "__main__":
    run_main(main)
