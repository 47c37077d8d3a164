"""Debian packages, where we may install them: as root, with apt."""

import os
import shutil
from pathlib import Path

from local import environment
from local.paths import ROOT
from local.processes import run_or_refuse
from local.report import step


def can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(package: str, *, log: Path) -> None:
    """Raises ChildDied with apt's own words when it cannot be had."""
    env = environment.base() | {"DEBIAN_FRONTEND": "noninteractive"}
    with step(f"installing Debian's {package}"):
        for command in (
            ["apt-get", "update"],
            ["apt-get", "install", "-y", "--no-install-recommends", package],
        ):
            run_or_refuse("apt-get", command, env=env, cwd=ROOT, log=log)
