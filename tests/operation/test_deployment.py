"""What deploy/ holds fits the platform: its commands, its variables, its alerts and their runbook.

Docker is not needed here: images are not built, their description is read.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client

from local.paths import PROCFILE, ROOT
from local.platform import read_procfile

DEPLOY = ROOT / "deploy"
# What belongs to the programs themselves, to Python or to the Procfile.
FOREIGN = {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "HOST", "PAPER_JOURNAL"}


def described() -> set[str]:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return set(re.findall(r"^#?([A-Z_0-9]+)=", text, re.M))


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yml").read_text(encoding="utf-8"))["services"]
    return found


def test_the_containers_run_the_processes_of_the_procfile(services: dict[str, Any]) -> None:
    ours = {name: service for name, service in services.items() if service.get("image") == "copytrade"}
    processes = {name: service["command"] for name, service in ours.items() if name != "migrate"}
    assert processes == {name: [name] for name in read_procfile(PROCFILE)}
    for name, service in ours.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "/run/copytrade" in service["volumes"][0], name
        assert set(service["environment"]) <= described() | FOREIGN, name


def test_the_platform_answers_by_the_names_that_prometheus_and_the_health_check_ask_by(
    services: dict[str, Any],
) -> None:
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    (target,) = config["scrape_configs"][0]["static_configs"][0]["targets"]
    web = services["web"]
    (checked,) = re.findall(r"http://(\w+):", " ".join(web["healthcheck"]["test"]))
    hosts = web["environment"]["ALLOWED_HOSTS"].split(",")
    assert {target.partition(":")[0], checked} <= set(hosts)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_what_is_asked_from_within_is_not_sent_to_the_proxys_certificate(
    db: None, client: Client, settings: Any, path: str
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/").status_code == 301
    assert client.get(path).status_code == 200


def test_no_password_is_written_down(services: dict[str, Any]) -> None:
    text = (DEPLOY / "compose.yml").read_text(encoding="utf-8")
    for line in re.findall(r"^.*PASSWORD:.*$", text, re.M):
        assert "${" in line, line


def test_the_image_is_built_from_what_is_locked_and_runs_as_nobody_special() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    stages = re.findall(r"^FROM (\S+)", text, re.M)
    assert all(stage.endswith("-slim") for stage in stages)
    assert "--require-hashes -r /tmp/requirements.txt" in text
    last = text.rpartition("\nFROM ")[2]
    assert re.search(r"^USER 10001", last, re.M)
    assert last.index("\nUSER ") < last.index("\nENTRYPOINT ")
    variables = set(re.findall(r"\b([A-Z][A-Z_]{3,})=", text))
    assert variables <= described() | FOREIGN | {"PIP_DISABLE_PIP_VERSION_CHECK", "PIP_NO_CACHE_DIR"}
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.M):
        assert all((ROOT / name).exists() for name in source.split())
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {".env", ".git", ".run"} <= set(ignored)


def test_the_units_are_what_systemd_understands(tmp_path: Path) -> None:
    unit = (DEPLOY / "systemd" / "copytrade@.service").read_text(encoding="utf-8")
    variables = set(re.findall(r"^Environment=([A-Z_]+)=", unit, re.M))
    assert variables <= described() | FOREIGN
    started = re.findall(r"copytrade@(\w+)\.service", (DEPLOY / "systemd" / "copytrade.target").read_text())
    assert set(started) == set(read_procfile(PROCFILE)) - {"paper"}
    if not (systemd := shutil.which("systemd-analyze")):
        pytest.skip("this machine has no systemd-analyze")
    # It looks for the program, which is elsewhere here.
    local = tmp_path / "copytrade@web.service"
    local.write_text(unit.replace("/opt/copytrade/.venv/bin/python", os.path.realpath(sys.executable)))
    done = subprocess.run([systemd, "verify", local], capture_output=True, text=True, check=False)
    ours = [
        line for line in done.stderr.splitlines() if "copytrade@web.service" in line and "man " not in line
    ]
    assert ours == []


# --- Prometheus ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    assert found, "install Debian's prometheus, as `make test` does where it may"
    return found


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "rules", "rules.yml"],
        ["test", "rules", "rules_test.yml"],
        ["check", "config", "--syntax-only", "prometheus.yml"],
    ],
)
def test_the_rules_are_good_and_fire_when_they_should(promtool: str, arguments: list[str]) -> None:
    done = subprocess.run(
        [promtool, *arguments], cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tried_and_leads_to_its_entry_in_the_runbook() -> None:
    groups = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text(encoding="utf-8"))["groups"]
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    tried = (DEPLOY / "prometheus" / "rules_test.yml").read_text(encoding="utf-8")
    entries = re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8"), re.M)
    assert [rule["alert"] for rule in alerts] == entries
    for rule in alerts:
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
        assert f'alertname="{rule["alert"]}"' in tried
        assert rule["labels"]["severity"] in ("page", "warn")


def test_the_dashboard_has_a_query_in_every_panel() -> None:
    board = json.loads((DEPLOY / "grafana" / "dashboards" / "copytrade.json").read_text(encoding="utf-8"))
    assert len({panel["title"] for panel in board["panels"]}) == len(board["panels"])
    assert all(panel["targets"] for panel in board["panels"])
