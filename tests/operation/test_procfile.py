"""Containers and services start what the Procfile says, and nothing else."""

import subprocess
import sys
from pathlib import Path

from local.paths import ROOT

STARTER = "import sys; from pathlib import Path; from local import procfile; "


def start(name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    file = folder / "Procfile"
    file.write_text("web: sh -c 'echo $PPID ${NUMBER:-7}'\n")
    code = STARTER + f"procfile.PROCFILE = Path({str(file)!r}); procfile.run_main(procfile.main)"
    return subprocess.run(
        [sys.executable, "-c", code, name], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_the_starter_becomes_the_process_and_its_shell_words_count(tmp_path: Path) -> None:
    assert start("web", tmp_path).stdout.split()[1] == "7"


def test_a_process_that_the_procfile_does_not_know_is_refused(tmp_path: Path) -> None:
    done = start("wed", tmp_path)
    assert done.returncode == 1
    assert "web" in done.stderr
