"""Asks whether any package of requirements.txt is known to be vulnerable; says so where nobody can be asked.

python -m local.package_audit
"""

import json
import subprocess
from pathlib import Path

from local import environment
from local.paths import ROOT, VENV
from local.report import Refusal, run_main, say

SECONDS = 45


def main(_arguments: list[str]) -> int:
    asked: list[str | Path] = [
        VENV / "bin" / "pip-audit",
        *("--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json"),
        *("--requirement", ROOT / "requirements.txt"),
    ]
    try:
        done = subprocess.run(
            asked, env=environment.base(), capture_output=True, text=True, check=False, timeout=SECONDS
        )
        packages = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, LookupError):
        packages = []
    audited = [package for package in packages if "skip_reason" not in package]
    if not audited:
        say("  the packages are not audited: the list of known vulnerabilities cannot be reached from here.")
        return 0
    found = [package for package in audited if package["vulns"]]
    for package in found:
        for vulnerability in package["vulns"]:
            say(f"  {package['name']} {package['version']}: {vulnerability['id']}")
    if found:
        raise Refusal(f"{len(found)} of {len(audited)} packages are known to be vulnerable.")
    say(f"  {len(audited)} of {len(packages)} packages audited, none is known to be vulnerable.")
    return 0


if __name__ == "__main__":
    run_main(main)
