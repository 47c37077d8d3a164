"""Installs what requirements-dev.txt locks into .venv. A second call only compares a stamp.

python -m local.install
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from local import debian, environment
from local.paths import PYTHON, ROOT, RUN, VENV, VENV_PYTHON
from local.processes import ChildDied, run_or_refuse
from local.report import Refusal, run_main, step

LOCK_FILE = ROOT / "requirements-dev.txt"
UV_LOCK_FILE = ROOT / "local" / "uv.txt"
UV_FOLDER = VENV / "uv"
UV = UV_FOLDER / "bin" / "uv"
STAMP = VENV / "installed"
LOG = RUN / "install.log"


def ensure_installed() -> None:
    with one_at_a_time():
        stamp = _stamp()
        if STAMP.exists() and STAMP.read_text(encoding="utf-8") == stamp:
            return
        if not _venv_is_ours():
            _create_venv()
        _install_packages()
        STAMP.write_text(stamp, encoding="utf-8")


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """`make demo` and `make test` may be started in the same moment."""
    RUN.mkdir(exist_ok=True, mode=0o700)
    with (RUN / "install.lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _stamp() -> str:
    digest = hashlib.sha256(LOCK_FILE.read_bytes() + UV_LOCK_FILE.read_bytes()).hexdigest()
    # The path is in every script of the environment: a checkout that was moved needs a new one.
    return f"{digest}\n{VENV.resolve()}\n"


def _venv_is_ours() -> bool:
    try:
        activate = (VENV / "bin" / "activate").read_text(encoding="utf-8")
        question = "import sys; sys.exit(sys.version_info < (3, 11))"
        runs = subprocess.run([VENV_PYTHON, "-c", question], capture_output=True, check=False).returncode == 0
    except OSError:
        return False
    # Worktrees may share one by a link: it is not cleared under the others.
    return runs and str(VENV.resolve()) in activate


def _create_venv() -> None:
    if not importlib.util.find_spec("ensurepip"):
        if not debian.can_install():
            raise Refusal(
                f"{PYTHON} cannot make virtual environments; "
                "on Debian and Ubuntu `apt-get install python3-venv` changes that."
            )
        debian.install("python3-venv", log=LOG)
    with step(f"creating {VENV.name} with Python {sys.version_info[0]}.{sys.version_info[1]}"):
        _run("venv", [PYTHON, "-m", "venv", "--clear", str(VENV)])


def _install_packages() -> None:
    count = sum(1 for line in LOCK_FILE.read_text(encoding="utf-8").splitlines() if "==" in line)
    if _fetch_uv():
        with contextlib.suppress(ChildDied), step(f"installing {count} packages"):
            _run(
                "uv",
                [
                    UV,
                    "pip",
                    "install",
                    "--quiet",
                    "--python",
                    VENV_PYTHON,
                    "--require-hashes",
                    "-r",
                    LOCK_FILE,
                ],
            )
            return
    try:
        with step(f"installing {count} packages with pip"):
            _pip("install", "--require-hashes", "-r", LOCK_FILE)
    except ChildDied as death:
        raise Refusal(
            f"the packages of {LOCK_FILE.name} could not be installed; is a package index reachable? "
            f"pip says: {death.last_line} (all of it is in {LOG})"
        ) from death


def _fetch_uv() -> bool:
    """It takes 2 s where pip takes 23 s; pip does where it cannot be had."""
    try:
        with step("fetching uv"):
            _pip("install", "--upgrade", "--target", UV_FOLDER, "--require-hashes", "-r", UV_LOCK_FILE)
    except ChildDied:
        return False
    return True


def _pip(*arguments: str | Path) -> None:
    _run("pip", [VENV_PYTHON, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments])


def _run(name: str, command: list[str | Path]) -> None:
    env = environment.base() | {"UV_SYSTEM_CERTS": "1", "UV_NO_PROGRESS": "1"}
    run_or_refuse(name, command, env=env, cwd=ROOT, log=LOG)


def main(_arguments: list[str]) -> int:
    ensure_installed()
    return 0


if __name__ == "__main__":
    run_main(main)
