"""PostgreSQL and Redis: those that DATABASE_URL and REDIS_URL name, else our own from the installed wheels.

    python -m local.engines run [--durable] -- COMMAND [ARGUMENT...]

starts both for the length of one command, with an empty database. Without --durable all is as for the tests:
DEBUG is on, and the engines are quicker because they do not care for a power failure.
"""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from local import environment, postgres, valkey
from local.paths import RUN, VENV
from local.processes import Child, Stopped, run, take_charge
from local.report import Refusal, run_main, step
from local.run_folder import temporary

USAGE = "Usage: python -m local.engines run [--durable] -- COMMAND [ARGUMENT...]"


class Engines:
    """`durable` engines survive a power failure; the others are quick."""

    def __init__(
        self, run_dir: Path, *, env: Mapping[str, str], durable: bool, lock: int | None = None
    ) -> None:
        self.run_dir = run_dir
        self.base_env = env
        self.durable = durable
        self.keep_open = () if lock is None else (lock,)
        self.database_url = env.get("DATABASE_URL", "")
        self.redis_url = env.get("REDIS_URL", "")
        self.postgres: postgres.Postgres | None = None
        self.valkey: valkey.Valkey | None = None
        self.children: list[Child] = []

    def start(self) -> None:
        """Start what the environment does not name."""
        if not self.database_url:
            self._start_postgres()
        if not self.redis_url:
            self._start_valkey()

    def _start_postgres(self) -> None:
        install = postgres.binaries(VENV)
        if install is None:
            raise Refusal("There is no PostgreSQL: set DATABASE_URL, or run `make assets` to install one.")
        with step("starting PostgreSQL"):
            self.postgres = postgres.Postgres(install, self.run_dir, env=self.base_env, durable=self.durable)
            self.children.append(self.postgres.start(keep_open=self.keep_open))
        self.database_url = self.postgres.url()

    def _start_valkey(self) -> None:
        program = valkey.binary(VENV)
        if program is None:
            raise Refusal("There is no Redis: set REDIS_URL, or run `make assets` to install one.")
        with step("starting Valkey"):
            self.valkey = valkey.Valkey(program, self.run_dir, env=self.base_env)
            self.children.append(self.valkey.start(keep_open=self.keep_open))
        self.redis_url = self.valkey.url()

    def env(self) -> dict[str, str]:
        return {**self.base_env, "DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}

    def stop(self) -> None:
        for engine in (self.valkey, self.postgres):
            if engine:
                engine.stop()


@contextlib.contextmanager
def running(
    run_dir: Path, *, env: Mapping[str, str], durable: bool, lock: int | None = None
) -> Iterator[Engines]:
    engines = Engines(run_dir, env=env, durable=durable, lock=lock)
    try:
        engines.start()
        yield engines
    finally:
        engines.stop()


@contextlib.contextmanager
def for_one_command(env: Mapping[str, str], *, durable: bool = False) -> Iterator[Engines]:
    """Engines in a run folder of their own: any number of commands run beside each other."""
    with (
        temporary(RUN, "command-") as (run_dir, lock),
        running(run_dir, env=env, durable=durable, lock=lock) as engines,
    ):
        yield engines


def main(arguments: list[str]) -> int:
    options, separator, command = _split(arguments)
    if options not in (["run"], ["run", "--durable"]) or not separator or not command:
        raise Refusal(USAGE)
    take_charge()
    try:
        durable = "--durable" in options
        env = environment.for_one_run() if durable else environment.for_tests()
        with for_one_command(env, durable=durable) as engines:
            return run(command[0], command, env=engines.env(), cwd=Path.cwd())
    except Stopped as stopped:
        return 128 + stopped.signal_number


def _split(arguments: list[str]) -> tuple[list[str], bool, list[str]]:
    """What is before and after the first `--`."""
    if "--" not in arguments:
        return arguments, False, []
    at = arguments.index("--")
    return arguments[:at], True, arguments[at + 1 :]


if __name__ == "__main__":
    run_main(main)
