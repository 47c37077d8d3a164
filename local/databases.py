"""Databases on a running server, made and dropped with the psycopg in .venv: this package has no driver."""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from local.paths import ROOT, VENV_PYTHON
from local.processes import run_or_refuse

# The URL comes through the environment: arguments are public on this machine, a password is not.
PROGRAM = """
import os, sys, psycopg
from psycopg.sql import SQL, Identifier
with psycopg.connect(os.environ["SERVER_URL"], autocommit=True) as connection:
    name = sys.argv[2]
    known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
    if sys.argv[1] == "create" and not known:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    if sys.argv[1] == "drop" and known:
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
"""


def with_name(url: str, name: str) -> str:
    """The same server's URL with another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def create(server_url: str, name: str, *, env: Mapping[str, str], log: Path) -> str:
    """Make the database unless it is there, and return its URL."""
    _run("create", server_url, name, env=env, log=log)
    return with_name(server_url, name)


def drop(server_url: str, name: str, *, env: Mapping[str, str], log: Path) -> None:
    _run("drop", server_url, name, env=env, log=log)


def _run(act: str, server_url: str, name: str, *, env: Mapping[str, str], log: Path) -> None:
    command: list[str | Path] = [VENV_PYTHON, "-c", PROGRAM, act, name]
    run_or_refuse(f"{act} database", command, env={**env, "SERVER_URL": server_url}, cwd=ROOT, log=log)


def unique_name(purpose: str) -> str:
    return f"{purpose}_{os.urandom(6).hex()}"
