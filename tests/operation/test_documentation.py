"""The pages are whole, fetch nothing from elsewhere, and name every variable."""

import re
import subprocess
import sys
from pathlib import Path

from local import configuration_page
from local.paths import ROOT


def test_the_pages_are_built_strictly_and_load_nothing_from_elsewhere(tmp_path: Path) -> None:
    configuration_page.main([])
    command = [sys.executable, "-m", "mkdocs", "--quiet", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > 10
    for page in pages:
        loaded = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(https?:[^"]+)"', page.read_text())
        assert loaded == [], page


def test_the_configuration_page_tells_of_every_variable_what_it_means() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| .* \| (.+) \|$", configuration_page.page(), re.M)
    assert [name for name, _ in rows] == re.findall(r"^#?([A-Z_0-9]+)=", example, re.M)
    assert all(meaning.strip() for _, meaning in rows)
