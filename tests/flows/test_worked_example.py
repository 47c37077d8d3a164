"""The programs of docs/api.md do what they say."""

import re
import secrets
import shutil
import subprocess
import sys

import pytest

from local.paths import ROOT
from tests.flows.platform_run import PlatformRun
from tests.flows.test_integrator import PASSWORD

pytestmark = [pytest.mark.flow, pytest.mark.xdist_group("platform")]


def program(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs" / "api.md").read_text(), re.S)
    return str(found)


def test_the_worked_integration_runs_as_it_stands(platform: PlatformRun) -> None:
    email = f"example-{secrets.token_hex(4)}@example.com"
    platform.platform.manage("create_user", email, "--password", PASSWORD)
    env = platform.platform.env | {
        "COPYTRADE_URL": platform.platform.url,
        "EMAIL": email,
        "PASSWORD": PASSWORD,
    }

    def run(*command: str) -> list[str]:
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout.splitlines()

    assert run(sys.executable, "-I", "-c", program("python")) == [
        "changed 200",
        "again 409 nonce_reused",
        "orders 0",
    ]
    if shutil.which("curl"):
        assert run("bash", "-euc", program("bash")) == ["200"]
