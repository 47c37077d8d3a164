"""The benchmarks run as `make bench` runs them, with few followers: their own checks are what can fail."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.paths import ROOT

pytestmark = [pytest.mark.flow, pytest.mark.xdist_group("benchmarks")]

FIGURES = {
    "fan_out": {
        "fan_out_20_0ms_vs_bare_ccxt",
        "fan_out_20_0ms_vs_one_bare_process",
        "fan_out_20_100ms_vs_bare_ccxt",
        "fan_out_20_100ms_vs_one_bare_process",
        "worker_rss_mb_20_accounts",
        "first_order_ms",
        "cpu_but_venue_vs_bare_ccxt",
    },
    "few_followers": {"last_follower_20_100ms_vs_serial_copier", "settled_20_0ms_vs_serial_copier"},
    "nonces": {"nonce_request_vs_plain_request"},
    "books": {
        "settle_vs_insert_select",
        "settle_2000_vs_200_trades",
        "settle_fill_ms",
        "export_vs_copy",
        "export_trades_per_second",
        "export_peak_mb_200_trades",
        "export_peak_mb_2000_trades",
    },
    "pages": {"page_visitor_marketplace_ms", "page_follower_dashboard_ms", "page_master_studio_ms"},
}


def measure(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", "--quick", "--results", str(folder), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=150)


def test_every_benchmark_writes_its_figures_and_names_its_machine(tmp_path: Path) -> None:
    done = measure(tmp_path, "--followers", "20")
    assert done.returncode == 0, done.stdout + done.stderr
    for name, wanted in FIGURES.items():
        kept = json.loads((tmp_path / f"{name}.json").read_text())
        assert kept["figures"].keys() >= wanted
        assert all(value > 0 for value in kept["figures"].values())
        assert kept["machine"]["cpus"] == len(os.sched_getaffinity(0))


def test_an_unknown_benchmark_is_refused_by_name(tmp_path: Path) -> None:
    done = measure(tmp_path, "fan_in")
    assert done.returncode == 2
    assert "fan_in" in done.stderr
