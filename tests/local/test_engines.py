import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from local import engines, environment, postgres
from local.paths import ROOT, VENV
from local.report import Refusal
from local.run_folder import remove


@pytest.fixture
def env() -> dict[str, str]:
    env = environment.base()
    return {name: value for name, value in env.items() if name not in ("DATABASE_URL", "REDIS_URL")}


@pytest.fixture
def run_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "a path with spaces" / ("and too long for a socket " * 5)
    folder.mkdir(parents=True)
    yield folder
    remove(folder)


def test_engines_work_below_a_long_path_with_spaces(env: dict[str, str], run_dir: Path) -> None:
    with engines.running(run_dir, env=env, durable=False) as running:
        with psycopg.connect(running.database_url) as connection:
            assert connection.info.dbname == "copytrade"
        with redis.Redis.from_url(running.redis_url) as client:
            assert client.ping()


def test_postgres_is_reached_only_through_a_folder_of_our_own(env: dict[str, str], run_dir: Path) -> None:
    with (
        engines.running(run_dir, env=env, durable=False) as running,
        psycopg.connect(running.database_url) as connection,
    ):
        found = Path(connection.info.host).stat()
        assert stat.S_IMODE(found.st_mode) == 0o700
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_valkey_refuses_who_has_no_password(env: dict[str, str], run_dir: Path) -> None:
    with engines.running(run_dir, env=env, durable=False) as running:
        address = ("127.0.0.1", urlsplit(running.redis_url).port)
        with socket.create_connection(address, timeout=5) as stranger:
            stranger.sendall(b"PING\r\n")
            assert stranger.recv(64).startswith(b"-NOAUTH")


@pytest.mark.parametrize(("durable", "fsync"), [(True, "on"), (False, "off")])
def test_only_engines_that_may_forget_skip_the_disk(
    env: dict[str, str], run_dir: Path, durable: bool, fsync: str
) -> None:
    with (
        engines.running(run_dir, env=env, durable=durable) as running,
        psycopg.connect(running.database_url) as connection,
    ):
        assert connection.execute("SHOW fsync").fetchone() == (fsync,)


def test_engines_that_the_environment_names_are_used(env: dict[str, str], tmp_path: Path) -> None:
    named = {"DATABASE_URL": "postgresql://db.example/x", "REDIS_URL": "redis://redis.example/1"}
    with engines.running(tmp_path, env=env | named, durable=True) as running:
        assert running.children == []
        assert running.env() | named == running.env()


def test_without_any_postgres_the_refusal_names_the_ways_out(
    env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "VENV", tmp_path)
    with (
        pytest.raises(Refusal, match="set DATABASE_URL, or run `make assets`"),
        engines.running(tmp_path, env=env, durable=True),
    ):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_root_without_user_namespaces_runs_postgres_as_nobody(env: dict[str, str], run_dir: Path) -> None:
    install = postgres.binaries(VENV)
    assert install is not None
    run_dir.chmod(0o700)
    server = postgres.Postgres(install, run_dir, env=env, durable=False, identity="nobody")
    try:
        child = server.start()
        assert Path(f"/proc/{child.process.pid}").stat().st_uid == server.owner != 0
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        server.stop()


def test_the_exit_code_of_the_command_is_passed_on() -> None:
    named = {"DATABASE_URL": "postgresql://unused/x", "REDIS_URL": "redis://unused/1"}
    command = [sys.executable, "-m", "local.engines", "run", "--", "sh", "-c", 'echo "$DATABASE_URL"; exit 7']
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | named, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (7, "postgresql://unused/x\n")
