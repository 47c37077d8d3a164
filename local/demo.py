"""The whole platform on one machine, with a paper exchange, masters who trade and followers who copy them.

python -m local.demo            until Ctrl-C
python -m local.demo --check    one master trade, copied and checked; the exit code says how it went
"""

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from local import databases, engines, environment
from local.assets import ensure_assets
from local.install import ensure_installed
from local.paths import RUN
from local.platform import PROCESSES, Platform
from local.ports import is_free
from local.processes import Child, Stopped, take_charge
from local.report import Refusal, run_main, say, step
from local.run_folder import locked, temporary

USAGE = "Usage: python -m local.demo [--check]"
DEFAULT_PORT = 8000
# A day of the demo's market moves as ten real ones do, so that there is something to see in minutes.
LIVELY_MARKET = {"PAPER_VOLATILITY": "0.25"}
PORT_PATIENCE_SECONDS = 3.0
# A process that lived longer is started again when it ends, as any process manager would.
SHORTEST_LIFE_SECONDS = 10.0
RUNS_ALREADY = "a demo runs already in this checkout; stop it with Ctrl-C first."


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        raise Refusal(USAGE)
    take_charge()
    try:
        return check() if arguments else demo()
    except Stopped as stopped:
        return 128 + stopped.signal_number


def demo() -> int:
    """Until somebody stops it, which is its ordinary end."""
    with locked(RUN, refusal=RUNS_ALREADY) as lock:
        port = _web_port()
        for log in RUN.glob("*.log"):
            log.unlink()
        ensure_installed()
        ensure_assets()
        env = environment.for_platform(environment.kept_secrets(RUN / "env"))
        with (
            engines.running(RUN, env=env, durable=True, lock=lock) as running,
            _platform(
                Platform(RUN, env=LIVELY_MARKET | running.env(), web_port=port, keep_open=(lock,))
            ) as platform,
        ):
            log_ins = _seed(platform)
            _start_all(platform)
            platform.start_command("trade_demo")
            say(f"\n{log_ins}\nCopytrade runs at {platform.url} - logs are in {RUN.name}/, Ctrl-C stops it.")
            with contextlib.suppress(Stopped):
                _keep_running(platform, running)
            say("\nstopping ...")
    return 0


def check() -> int:
    with apart("check-") as platform:
        code = platform.manage_aloud("check_demo")
        if code != 0:
            for child in platform.children.values():
                say(f"\nThe last lines of {child.name}:\n{child.last_lines()}")
        return code


@contextlib.contextmanager
def apart(prefix: str, market: Mapping[str, str] = MappingProxyType({})) -> Iterator[Platform]:
    """The seeded platform on a database and in a folder of its own, so that it may run beside a demo."""
    ensure_installed()
    ensure_assets()
    env = environment.for_platform(environment.new_secrets())
    with (
        temporary(RUN, prefix) as (run_dir, lock),
        engines.running(run_dir, env=env, durable=True, lock=lock) as running,
        _own_database(running.env(), run_dir) as own_env,
        _platform(Platform(run_dir, env={**market, **own_env}, keep_open=(lock,))) as platform,
    ):
        _seed(platform)
        _start_all(platform)
        yield platform


def _web_port() -> int:
    text = os.environ.get("PORT") or str(DEFAULT_PORT)
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text) < 65536:
        raise Refusal(f"PORT={text} is not a port.")
    # A demo that was killed a moment ago may still be letting go of it.
    deadline = time.monotonic() + PORT_PATIENCE_SECONDS
    while not is_free("127.0.0.1", int(text)):
        if time.monotonic() > deadline:
            raise Refusal(f"port {text} is in use; choose another one: make demo PORT={int(text) + 1}")
        time.sleep(0.1)
    return int(text)


@contextlib.contextmanager
def _own_database(env: Mapping[str, str], run_dir: Path) -> Iterator[dict[str, str]]:
    """DATABASE_URL may name a server that others use."""
    url, log = env["DATABASE_URL"], run_dir / "databases.log"
    name = databases.unique_name("copytrade_check")
    own_url = databases.create(url, name, env=env, log=log)
    try:
        yield {**env, "DATABASE_URL": own_url}
    finally:
        databases.drop(url, name, env=env, log=log)


@contextlib.contextmanager
def _platform(platform: Platform) -> Iterator[Platform]:
    try:
        yield platform
    finally:
        platform.stop_all()


def _seed(platform: Platform) -> str:
    """Everything that comes before the processes; returns the log-ins as they are to be shown."""
    with step("migrating the database"):
        platform.manage("migrate", "--no-input")
    with step("collecting static files"):
        platform.manage("collectstatic", "--no-input")
    with step("starting the paper exchange"):
        platform.start("paper")
        platform.wait_ready("paper")
    with step("seeding masters and followers"):
        return platform.manage("seed_demo")


def _start_all(platform: Platform) -> None:
    with step(f"starting {', '.join(PROCESSES)}"):
        for name in PROCESSES:
            platform.start(name)
        platform.wait_ready(*PROCESSES)


def _keep_running(platform: Platform, running: engines.Engines) -> None:
    """Start again what ends; without its database or broker the demo itself ends, and says why."""
    while True:
        for engine in running.children:
            if death := engine.died():
                raise death
        for name, child in list(platform.deaths()):
            _report_death(child)
            platform.restart(name)
        time.sleep(0.5)


def _report_death(child: Child) -> None:
    death = child.died()
    if death and time.monotonic() - child.started_at < SHORTEST_LIFE_SECONDS:
        raise death
    say(f"{death}\nstarting {child.name} again")


if __name__ == "__main__":
    run_main(main)
