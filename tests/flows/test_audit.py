"""What was done over HTTP is in the record, sealed by whichever worker lives."""

import secrets
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from local.paths import ROOT
from tests.flows.platform_run import PlatformRun, eventually
from tests.flows.test_integrator import PASSWORD

pytestmark = [pytest.mark.flow, pytest.mark.xdist_group("platform")]


class Auditor:
    """With a token that may also change something: acts of auditors are recorded as all others'."""

    def __init__(self, platform: PlatformRun) -> None:
        email = f"auditor-{secrets.token_hex(4)}@example.com"
        platform.platform.manage("create_user", email, "--password", PASSWORD, "--role", "auditor")
        self.url = platform.platform.url
        body = {"email": email, "password": PASSWORD, "name": "audit", "scopes": ["read", "trade"]}
        issued = requests.post(f"{self.url}/token/issue", json=body, timeout=30)
        self.headers = {"Authorization": f"Bearer {issued.json()['token']}"}

    def get(self, path: str) -> requests.Response:
        answer = requests.get(f"{self.url}/api/v1/{path}", headers=self.headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer

    def change_something(self, nonce: str) -> int:
        headers = self.headers | {"X-Nonce": nonce}
        return requests.patch(f"{self.url}/api/v1/me/", json={}, headers=headers, timeout=30).status_code


def test_acts_are_sealed_though_beat_and_a_worker_are_dead(platform: PlatformRun, tmp_path: Path) -> None:
    auditor = Auditor(platform)
    platform.kill("beat")
    platform.kill("default")
    nonce = secrets.token_hex(8)
    assert auditor.change_something(nonce) == 200
    assert auditor.change_something(nonce) == 409

    def of_this_nonce() -> list[str]:
        found = auditor.get("audit/?action=nonce.use&page_size=200").json()["results"]
        refused = auditor.get("audit/?action=nonce.refused&page_size=200").json()["results"]
        return [record["outcome"] for record in found + refused if record["nonce"] == nonce]

    eventually(of_this_nonce, lambda outcomes: outcomes == ["success", "refused"])

    export = tmp_path / "audit.csv"
    export.write_bytes(auditor.get("audit/export?format=csv").content)
    script = ROOT / "docs" / "verify_audit_export.py"
    checked = subprocess.run(
        [sys.executable, "-I", script, export], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
    assert nonce in export.read_text(encoding="utf-8")
    assert "records checked" in platform.platform.manage("verify_audit_chain")
