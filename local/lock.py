"""Renews the lock files: the newest releases that requirements*.in and package.json allow, with their hashes.

python -m local.lock
"""

from pathlib import Path

from local import environment
from local.assets import npm
from local.install import UV, UV_LOCK_FILE, ensure_installed
from local.paths import ROOT, RUN
from local.processes import run_or_refuse
from local.report import run_main, step

COMPILE = (
    *("pip", "compile", "--quiet", "--upgrade", "--generate-hashes"),
    *("--no-annotate", "--no-header", "--universal", "--python-version", "3.11"),
)


def main(_arguments: list[str]) -> int:
    ensure_installed()
    # In this order: the second takes what the first has chosen.
    for name in ("requirements", "requirements-dev"):
        _compile(ROOT / f"{name}.in", ROOT / f"{name}.txt")
    _compile(UV_LOCK_FILE.with_suffix(".in"), UV_LOCK_FILE)
    with step("locking package.json"):
        _run("npm", [*npm(), "update", "--package-lock-only", "--ignore-scripts"])
    return 0


def _compile(source: Path, target: Path) -> None:
    with step(f"locking {source.name}"):
        _run("uv", [UV, *COMPILE, source, "-o", target])


def _run(name: str, command: list[str | Path]) -> None:
    env = environment.base() | {"UV_SYSTEM_CERTS": "1"}
    run_or_refuse(name, command, env=env, cwd=ROOT, log=RUN / "lock.log")


if __name__ == "__main__":
    run_main(main)
