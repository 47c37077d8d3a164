"""However a run ends, nothing of it is left behind."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.paths import ROOT
from local.run_folder import locked, remove
from tests.local.living import MARK, eventually, living

pytestmark = pytest.mark.xdist_group("supervision")
PROGRAM = Path(__file__).with_name("supervised.py")
PROCFILE = (
    "web: gunicorn wsgiref.simple_server:demo_app --worker-class gthread --workers 2"
    " --graceful-timeout 3 --bind 127.0.0.1:${PORT} --no-control-socket\n"
)


@dataclass
class Run:
    make: subprocess.Popen[str]
    mark: str
    run_dir: Path

    def supervisor(self) -> int:
        return int((self.run_dir / "lock").read_text(encoding="ascii"))

    def living(self) -> list[str]:
        return living(self.mark, self.run_dir)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One for all tests here: each start is then also one after the crash before it."""
    folder = tmp_path_factory.mktemp("a run") / "folder"
    yield folder
    remove(folder)


@pytest.fixture
def run(run_dir: Path, tmp_path: Path) -> Iterator[Run]:
    procfile, makefile = tmp_path / "Procfile", tmp_path / "Makefile"
    procfile.write_text(PROCFILE, encoding="utf-8")
    makefile.write_text(
        f"up:\n\t@exec '{sys.executable}' '{PROGRAM}' '{run_dir}' '{procfile}'\n", encoding="utf-8"
    )
    mark = uuid.uuid4().hex
    make = subprocess.Popen(
        ["make", "-f", makefile],
        env=os.environ | {MARK: mark, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert make.stdout is not None
    with make, make.stdout:
        assert "up\n" in iter(make.stdout.readline, ""), "it did not start"
        yield Run(make, mark, run_dir)
        make.kill()


def kill_group(number: signal.Signals) -> Callable[[Run], None]:
    return lambda run: os.killpg(run.make.pid, number)


def kill_supervisor(number: signal.Signals) -> Callable[[Run], None]:
    return lambda run: os.kill(run.supervisor(), number)


def kill_make(run: Run) -> None:
    run.make.kill()


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(kill_group(signal.SIGINT), id="ctrl-c"),
        pytest.param(kill_group(signal.SIGHUP), id="terminal-closed"),
        pytest.param(kill_group(signal.SIGKILL), id="group-killed"),
        pytest.param(kill_supervisor(signal.SIGTERM), id="supervisor-asked-to-stop"),
        pytest.param(kill_supervisor(signal.SIGKILL), id="supervisor-killed"),
        pytest.param(kill_make, id="make-killed"),
    ],
)
def test_nothing_is_left_behind(run: Run, end: Callable[[Run], None]) -> None:
    assert len(run.living()) > 5, "PostgreSQL, Valkey, gunicorn and its workers should be running"
    end(run)
    assert eventually(lambda: not run.living()), run.living()


def test_the_lock_is_free_only_when_the_last_process_is_gone(run: Run) -> None:
    kill_supervisor(signal.SIGKILL)(run)
    with locked(run.run_dir, refusal="something of the killed run still holds the lock"):
        assert run.living() == []
