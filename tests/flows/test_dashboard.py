"""A real Prometheus scrapes the running platform, and every query of the dashboard has an answer."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families

from local.paths import ROOT
from local.ports import free_port
from tests.flows.platform_run import PlatformRun, eventually
from tests.flows.test_copying import settled, trade

STAGES = ("detect", "size", "submit", "fill", "total")
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


# What the contract names, with its labels: Prometheus rules of operators lean on the letters.
NAMES = {
    "copytrade_replication_latency_seconds_bucket": {"stage", "le"},
    "copytrade_orders_total": {"status", "exchange"},
    "copytrade_exchange_request_seconds_bucket": {"exchange", "method", "le"},
    "copytrade_risk_blocks_total": {"rule"},
    "copytrade_signals_total": {"source"},
    "copytrade_queue_depth": {"queue"},
    "copytrade_master_feed_age_seconds": {"exchange"},
    "copytrade_audit_unsealed": set(),
    "django_http_requests_latency_seconds_by_view_method_bucket": {"view", "method", "le"},
}


class Scrape:
    """All samples of one answer of `/metrics`, which any web process gives for all processes."""

    def __init__(self, platform: PlatformRun) -> None:
        text = requests.get(f"{platform.platform.url}/metrics", timeout=30).text
        self.samples = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        ]

    def total(self, name: str, **labels: str) -> float:
        return sum(
            sample.value
            for sample in self.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )


def test_a_scrape_has_the_contracts_names_and_what_really_happened(platform: PlatformRun) -> None:
    built = platform.inside("build", name="counted", followers=10)
    eventually(lambda: platform.inside("is_watched", strategy=built["strategy"]), bool)
    platform.inside("limit_first_follower", strategy=built["strategy"], max_order_notional="1")
    before = Scrape(platform)
    platform.inside("master_trades", strategy=built["strategy"], side="buy", share="0.1")
    assert settled(platform, built)["statuses"] == {"filled": 9, "denied": 1}
    wanted = {
        ("copytrade_orders_total", "status", "filled"): 9,
        ("copytrade_orders_total", "status", "denied"): 1,
        ("copytrade_risk_blocks_total", "rule", "max_order_notional"): 1,
        ("copytrade_signals_total", "source", "watched"): 1,
        **{("copytrade_replication_latency_seconds_count", "stage", stage): 9 for stage in STAGES},
    }

    def counted() -> dict[tuple[str, str, str], float]:
        after = Scrape(platform)
        return {
            key: after.total(key[0], **{key[1]: key[2]}) - before.total(key[0], **{key[1]: key[2]})
            for key in wanted
        }

    eventually(counted, lambda counts: counts == wanted, seconds=20)
    labels = {sample.name: set(sample.labels) for sample in Scrape(platform).samples}
    assert {name: labels.get(name) for name in NAMES} == NAMES


def test_every_query_of_the_dashboard_and_every_count_of_the_rules_is_answered(
    platform: PlatformRun, prometheus: str
) -> None:
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
    rules = (ROOT / "deploy" / "prometheus" / "rules.yml").read_text()
    assert [name for name in set(re.findall(r"\bcopytrade_\w+", rules)) if not ask(prometheus, name)] == []
    orders = 'sum(copytrade_orders_total{status="filled"})'
    filled = platform.inside("filled_orders", of_strategy=built["strategy"])

    def counted() -> float:
        return sum(float(found["value"][1]) for found in ask(prometheus, orders))

    # The scrape that answers may be a second old.
    eventually(counted, lambda count: count >= filled, seconds=20)
