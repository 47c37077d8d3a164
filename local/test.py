"""Every test, against real engines and a real browser; arguments go to pytest.

python -m local.test [PYTEST ARGUMENT...]
"""

import os
import re
import shutil
from pathlib import Path

from local import debian, environment
from local.assets import ensure_assets
from local.engines import for_one_command
from local.install import ensure_installed
from local.paths import ROOT, RUN
from local.processes import ChildDied, Stopped, run, take_charge
from local.report import run_main, say

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
EVERYTHING = ["-n", "2", "--dist", "loadgroup"]


def main(arguments: list[str]) -> int:
    take_charge()
    try:
        ensure_installed()
        ensure_assets()
        env = environment.for_tests() | _chromium(wanted=not arguments or "browser" in " ".join(arguments))
        _prometheus(wanted=not arguments or re.search("operation|flows", " ".join(arguments)) is not None)
        with for_one_command(env) as engines:
            command: list[str | Path] = ["python", "-m", "pytest", *(arguments or EVERYTHING)]
            return run("pytest", command, env=engines.env(), cwd=ROOT)
    except Stopped as stopped:
        return 128 + stopped.signal_number


def _chromium(*, wanted: bool) -> dict[str, str]:
    """CHROMIUM for the tests in a browser, which skip themselves without it."""
    path = os.environ.get("CHROMIUM") or _find_chromium()
    if not path and wanted and debian.can_install():
        try:
            debian.install("chromium", log=RUN / "install.log")
        except ChildDied as death:
            say(str(death))
        path = _find_chromium()
    if not path and wanted:
        say("  no Chromium: the tests in a browser are skipped; install it, or name one with CHROMIUM=/path.")
    return {"CHROMIUM": path} if path else {}


def _prometheus(*, wanted: bool) -> None:
    """For the tests of alerts and dashboard; they fail where it cannot be had."""
    if not wanted or shutil.which("promtool"):
        return
    if not debian.can_install():
        say("  no Prometheus: the tests of alerts and dashboard fail; install Debian's prometheus.")
        return
    try:
        debian.install("prometheus", log=RUN / "install.log")
    except ChildDied as death:
        say(str(death))


def _find_chromium() -> str | None:
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


if __name__ == "__main__":
    run_main(main)
