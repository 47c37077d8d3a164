"""What the tests reach that need neither a platform nor a browser: in all, and in what must be right.

python -m local.coverage [PYTEST ARGUMENT...]
"""

import json
from pathlib import Path
from typing import Any

from local import test
from local.paths import ROOT, RUN
from local.report import Refusal, run_main, say

REPORT = RUN / "coverage.json"
# Here a branch that no test takes is money, a secret or the record.
WATCHED = (
    "execution/states.py",
    "execution/claiming.py",
    "execution/settling.py",
    "execution/answers.py",
    "accounts/token_store.py",
    "compliance/sealing.py",
    "records/sealing.py",
    "risk/checks.py",
)


def main(arguments: list[str]) -> int:
    RUN.mkdir(exist_ok=True, mode=0o700)
    REPORT.unlink(missing_ok=True)
    measured = ["--cov", "--cov-branch", f"--cov-report=json:{REPORT}"]
    code = test.main([*test.EVERYTHING, "-m", "not flow and not browser", *measured, *arguments])
    if not REPORT.exists():
        raise Refusal(f"nothing was measured; the tests ended with exit code {code}.")
    for line in told(REPORT):
        say(line)
    return code


def told(report: Path) -> list[str]:
    measured = json.loads(report.read_text(encoding="utf-8"))
    files: dict[str, dict[str, Any]] = measured["files"]
    lines = [f"\n{'file':<28}{'lines':>8}{'branches':>10}  branches that no test takes (from line -> to)"]
    for name in WATCHED:
        if name not in files:
            raise Refusal(f"{name} is not among what was measured; has {ROOT.name} moved it?")
        lines.append(_line(name, files[name]))
    lines.append(_line("total", {"summary": measured["totals"]}))
    return lines


def _line(name: str, file: dict[str, Any]) -> str:
    summary = file["summary"]
    missing = ", ".join(f"{begin}->{end}" for begin, end in file.get("missing_branches", ()))
    reached = _percent(summary["covered_lines"], summary["num_statements"])
    branches = _percent(summary["covered_branches"], summary["num_branches"])
    return f"{name:<28}{reached:>8}{branches:>10}  {missing}".rstrip()


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


if __name__ == "__main__":
    run_main(main)
