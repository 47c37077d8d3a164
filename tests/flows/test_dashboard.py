"""A real Prometheus scrapes the running platform, and every query of the dashboard has an answer."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from local.paths import ROOT
from local.ports import free_port
from tests.flows.platform_run import PlatformRun, eventually
from tests.flows.test_copying import settled, trade

pytestmark = [pytest.mark.flow, pytest.mark.xdist_group("platform")]


@pytest.fixture
def prometheus(platform: PlatformRun, tmp_path: Path) -> Iterator[str]:
    program = shutil.which("prometheus")
    assert program, "install Debian's prometheus, as `make test` does where it may"
    shutil.copy(ROOT / "deploy" / "prometheus" / "rules.yml", tmp_path)
    config: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    (job,) = config["scrape_configs"]
    del job["authorization"]
    job["static_configs"] = [{"targets": [platform.platform.url.removeprefix("http://")]}]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [
            program,
            f"--config.file={tmp_path}/prometheus.yml",
            f"--storage.tsdb.path={tmp_path}/data",
            f"--web.listen-address={address}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(20)


def ask(prometheus: str, query: str) -> list[Any]:
    try:
        answer = requests.get(f"{prometheus}/api/v1/query", params={"query": query}, timeout=10).json()
    except requests.ConnectionError:
        return []
    assert answer["status"] == "success", (query, answer)
    found: list[Any] = answer["data"]["result"]
    return found


def test_every_query_of_the_dashboard_has_an_answer(platform: PlatformRun, prometheus: str) -> None:
    platform.inside("check_itself")
    eventually(lambda: ask(prometheus, "up == 1"), bool)
    built = trade(platform, "charted", 10)
    settled(platform, built)
    board = json.loads((ROOT / "deploy" / "grafana" / "dashboards" / "copytrade.json").read_text())
    queries = {target["expr"] for panel in board["panels"] for target in panel["targets"]}
    deadline = time.monotonic() + 30
    while unanswered := [query for query in queries if not ask(prometheus, query)]:
        assert time.monotonic() < deadline, unanswered
        time.sleep(0.5)
    orders = 'sum(copytrade_orders_total{status="filled"})'
    (counted,) = eventually(lambda: ask(prometheus, orders), bool)
    scraped = float(counted["value"][1])
    assert scraped >= platform.inside("filled_orders", of_strategy=built["strategy"])
