"""The platform of a campaign, on engines of its own that may be killed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from local import environment, postgres, valkey
from local.paths import VENV
from local.platform import Platform
from local.report import Refusal
from tests.crashes.master import LOT_STEP, VENUE_SYMBOL
from tests.crashes.victims import PostgresVictim, ProcessVictim, SteadyValkey, Victim
from tests.flows.platform_run import PlatformRun

# Two of those that share their work; the exchange itself is not ours to kill.
PROCESSES = {
    "trading": "trading",
    "trading-2": "trading",
    "watcher": "watcher",
    "watcher-2": "watcher",
    "default": "default",
    "beat": "beat",
}


class Stage(PlatformRun):
    """`victims` by name; `tend` starts again what ended by itself, as any process manager does."""

    inside_module = "tests.crashes.inside"
    inside_seconds = 1200.0

    def __init__(self, run_dir: Path, engines: Engines, *, seed: int) -> None:
        env = environment.for_platform(environment.new_secrets()) | {
            # The tape's coin is thin: what is copied should not depend on that.
            "MAX_BPS_OF_DAY_VOLUME": "10000",
            "DATABASE_URL": engines.postgres.url(),
            "REDIS_URL": engines.valkey.url(),
            "DEBUG": "true",
            "LOG_LEVEL": "INFO",
        }
        self.platform = Platform(run_dir, env=env)
        self.platform.commands["paper"] += f" --seed {seed}"
        self.victims: dict[str, Victim] = {name: ProcessVictim(self.platform, name) for name in PROCESSES} | {
            "postgres": PostgresVictim(engines.postgres),
            "valkey": engines.valkey,
        }
        self.restarts: list[str] = []

    def start(self) -> None:
        self.platform.manage("migrate", "--no-input")
        self.platform.start("paper")
        self.platform.wait_ready("paper")
        self.control("POST", "price", {"frozen": True})
        self.control("POST", "filters", {"symbol": VENUE_SYMBOL, "stepSize": str(LOT_STEP), "minQty": "1"})
        for name, process in PROCESSES.items():
            self.platform.start(process, as_name=name)
        self.platform.wait_ready()

    def stop(self) -> None:
        self.end_insider()
        self.platform.stop_all()

    def tend(self, struck: frozenset[str]) -> None:
        """Start again whoever ended and is not meant to lie there."""
        for name, _ in list(self.platform.deaths()):
            if name not in struck:
                self.restarts.append(name)
                self.platform.restart(name)


class Engines:
    """PostgreSQL that survives a power failure, and a broker that forgets."""

    def __init__(self, run_dir: Path) -> None:
        install, program = postgres.binaries(VENV), valkey.binary(VENV)
        if install is None or program is None:
            raise Refusal("The engines' own binaries are not installed: run `make assets` first.")
        env = environment.base()
        self.postgres = postgres.Postgres(install, run_dir, env=env, durable=True)
        self.valkey = SteadyValkey(program, run_dir, env=env)


@contextlib.contextmanager
def running(run_dir: Path, *, seed: int) -> Iterator[Stage]:
    """Everything started; whatever happens, nothing is left running."""
    engines = Engines(run_dir)
    with contextlib.ExitStack() as stack:
        stack.callback(engines.postgres.stop)
        engines.postgres.start()
        stack.callback(engines.valkey.stop)
        engines.valkey.start()
        stage = Stage(run_dir, engines, seed=seed)
        stack.callback(stage.stop)
        stage.start()
        yield stage
