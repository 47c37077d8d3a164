"""Who may read the metrics, and that every process's counts are in every scrape."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from django.test import Client

from copytrade import shared_counts
from local.paths import ROOT
from local.ports import free_port

HEALTHZ = re.compile(
    r'^django_http_responses_total_by_status_view_method_total\{[^}]*view="healthz"[^}]*\} (\S+)$', re.M
)


@pytest.mark.parametrize(
    ("headers", "address", "status"),
    [
        ({}, "127.0.0.1", 200),
        ({}, "203.0.113.9", 403),
        ({"X-Forwarded-For": "127.0.0.1"}, "203.0.113.9", 403),
        # A proxy on this machine that nobody has named.
        ({"X-Forwarded-For": "203.0.113.9"}, "127.0.0.1", 403),
        ({"Authorization": "Bearer scrape-me"}, "203.0.113.9", 200),
        ({"Authorization": "Bearer scrape-you"}, "203.0.113.9", 403),
        ({"Authorization": "Basic scrape-me"}, "203.0.113.9", 403),
    ],
)
def test_only_the_token_or_a_network_opens_the_metrics(db, settings, headers, address, status):
    settings.METRICS_TOKEN = "scrape-me"
    assert Client(headers=headers, REMOTE_ADDR=address).get("/metrics").status_code == status


def test_without_a_token_no_token_opens_the_metrics(db, settings):
    settings.METRICS_TOKEN = ""
    stranger = Client(headers={"Authorization": "Bearer "}, REMOTE_ADDR="203.0.113.9")
    assert stranger.get("/metrics").status_code == 403


@pytest.fixture
def web(tmp_path):
    """Three workers of one server, and where they count."""
    port = free_port()
    command = ["-m", "gunicorn", "copytrade.wsgi", "--workers", "3", "--bind", f"127.0.0.1:{port}"]
    process = subprocess.Popen(
        [sys.executable, *command, "--no-control-socket"],
        cwd=ROOT,
        env=os.environ | {"METRICS_DIR": str(tmp_path), "DEBUG": "true"},
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(lambda: len(list(tmp_path.glob("*.alive"))) == 3 and _answers(port))
        yield f"http://127.0.0.1:{port}", tmp_path
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/metrics", timeout=20).status_code == 200
    except requests.RequestException:
        return False


def _wait(is_so) -> None:
    until = time.monotonic() + 40
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.1)


def test_every_scrape_shows_what_three_workers_have_counted_even_after_one_died(web):
    url, folder = web
    for _ in range(300):
        assert requests.get(f"{url}/healthz", timeout=5).status_code == 200

    def scrape() -> float:
        return sum(map(float, HEALTHZ.findall(requests.get(f"{url}/metrics", timeout=10).text)))

    assert [scrape() for _ in range(6)] == [300.0] * 6
    victim = next(folder.glob("*.alive"))
    os.kill(int(victim.stem.rpartition("-")[2]), signal.SIGKILL)
    _wait(lambda: not victim.exists() and len(list(folder.glob("*.alive"))) == 3)
    assert [scrape() for _ in range(4)] == [300.0] * 4


PROCESS = """
import sys
from pathlib import Path
from copytrade import shared_counts
shared_counts.share(Path(sys.argv[1]))
from prometheus_client import Counter
Counter("things", "Things.").inc(float(sys.argv[2]))
print("counted", flush=True)
sys.stdin.read()
"""


def things(folder: Path) -> float:
    from prometheus_client import CollectorRegistry
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))
    return registry.get_sample_value("things_total") or 0.0


def count(folder: Path, number: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", PROCESS, str(folder), str(number)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout and process.stdout.readline() == b"counted\n"
    return process


def test_the_counts_of_the_dead_stay_while_others_live_and_a_new_start_begins_at_nothing(tmp_path):
    with count(tmp_path, 1) as first, count(tmp_path, 10) as second:
        first.kill()
        first.wait()
        shared_counts.fold_dead(tmp_path)
        shared_counts.fold_dead(tmp_path)
        assert things(tmp_path) == 11
        assert len(list(tmp_path.glob("counter_*.db"))) == 2
        second.kill()
        second.wait()
    with count(tmp_path, 100) as third:
        assert things(tmp_path) == 100
        third.kill()


@pytest.mark.parametrize(
    ("arguments", "shares"),
    [
        (["/venv/bin/gunicorn", "copytrade.wsgi"], True),
        (["/venv/bin/celery", "-A", "copytrade", "worker"], True),
        (["manage.py", "watch_masters"], True),
        (["manage.py", "migrate"], False),
        (["/venv/bin/pytest"], False),
    ],
)
def test_only_what_serves_for_long_shares_its_counts(arguments, shares):
    assert shared_counts.is_server(arguments) is shares
