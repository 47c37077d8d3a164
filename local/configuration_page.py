"""Writes docs/configuration.md from .env.example.

python -m local.configuration_page
"""

import re

from local.paths import ROOT
from local.report import run_main

PAGE = ROOT / "docs" / "configuration.md"
HEAD = "# Configuration\n\nAll of it comes from the environment. This page is made from `.env.example`.\n"
TABLE = "\n| variable | default | meaning |\n|---|---|---|\n"


def page() -> str:
    """Comments above a variable, or above several, tell what it means."""
    parts, after_variable = [HEAD], False
    meaning: list[str] = []
    for line in (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()[1:]:
        if title := re.fullmatch(r"# --- (.+) ---", line):
            parts.append(f"\n## {title[1]}\n{TABLE}")
            meaning = []
        elif variable := re.fullmatch(r"(#?)([A-Z_0-9]+)=(.*)", line):
            default = f"`{variable[3]}`" if variable[3] else "" if variable[1] else "to be set"
            parts.append(f"| `{variable[2]}` | {default} | {_cell(meaning)} |\n")
            after_variable = True
        elif line.startswith("#"):
            meaning = [line[1:].strip()] if after_variable else [*meaning, line[1:].strip()]
            after_variable = False
    return "".join(parts)


def _cell(meaning: list[str]) -> str:
    return " ".join(meaning).replace("|", "\\|").replace("<", "&lt;")


def main(_arguments: list[str]) -> int:
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    run_main(main)
