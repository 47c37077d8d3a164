"""Exports a person's trades to nowhere, and prints how many they were and the peak of its memory in MB.

python -m benchmarks.export_once USER_ID
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import django


def main(reader_id: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "copytrade.settings")
    django.setup()
    # Only now: models need the settings.
    from execution.trades import with_orders
    from ledger.export import FORMS
    from ledger.serializers import trades_of

    blocks = FORMS["csv"].file_of(with_orders(trades_of(reader_id, {})))
    lines = sum(block.count(b"\r\n") for block in blocks)
    sys.stdout.write(f"{lines - 1} {_peak_mb()}\n")


def _peak_mb() -> float:
    """Of this program alone: `getrusage` counts what the parent had when it started us."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.M)[0]) / 1024


if __name__ == "__main__":
    main(int(sys.argv[1]))
