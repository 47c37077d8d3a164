"""The pages are whole, fetch nothing from elsewhere, and name every variable."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.urls import resolve

from compliance import chain
from copytrade.pages import curve_files
from execution.api import cost_basis, statements
from execution.states import FINAL, Status
from ledger import export
from ledger.serializers import PerformanceSerializer
from local import configuration_page
from local.paths import ROOT


def build(*arguments: str) -> subprocess.CompletedProcess[str]:
    """As `make lint` does. With `--quiet` mkdocs counts no warning, and is strict about nothing."""
    (command,) = re.findall(r"mkdocs (build .*--strict)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    words = [sys.executable, "-m", "mkdocs", *command.split(), *arguments]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("link", ["nowhere.md", "index.md#nowhere"])
def test_a_link_of_a_page_that_leads_nowhere_fails_the_build(tmp_path: Path, link: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(f"# Page\n\n[words]({link})\n")
    config = tmp_path / "mkdocs.yml"
    config.write_text(f"INHERIT: {ROOT / 'mkdocs.yml'}\ndocs_dir: docs\nnav: [index.md]\n")
    assert build("--config-file", str(config), "--site-dir", str(tmp_path / "site")).returncode == 1
    (tmp_path / "docs" / "index.md").write_text("# Page\n\n[words](index.md#page)\n")
    assert build("--config-file", str(config), "--site-dir", str(tmp_path / "site")).returncode == 0


def test_the_pages_are_built_strictly_and_load_nothing_from_elsewhere(tmp_path: Path) -> None:
    configuration_page.main([])
    done = build("--site-dir", str(tmp_path))
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


GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))


def words_of_pages() -> str:
    """All that pages and forms may say."""
    sources = [*(ROOT / "templates").rglob("*.html"), *ROOT.glob("[a-z]*/**/*.py")]
    return "\n".join(path.read_text(encoding="utf-8") for path in sources if "tests" not in path.parts)


def test_there_is_a_guide_for_each_role():
    assert {guide.stem for guide in GUIDES} == {
        *("follower", "master", "integrator"),
        *("compliance", "auditor", "operator"),
    }


def test_what_guides_tell_to_press_open_and_run_is_there():
    words, commands = words_of_pages(), get_commands()
    for guide in GUIDES:
        text = guide.read_text(encoding="utf-8")
        for label in set(re.findall(r"\*\*([^*]+)\*\*", text)):
            assert re.search(rf"[\"'>]{re.escape(label)}[\"'<:]", words), (guide, label)
        for address in re.findall(r"`(?:GET |POST )?(/[\w/{}-]+)`", text):
            resolve(address.replace("{id}", "00000000-0000-7000-8000-000000000000"))
        for command in re.findall(r"manage\.py (\w+)", text):
            assert command in commands, (guide, command)


def test_what_pages_tell_to_ask_of_the_api_and_to_run_is_there():
    commands = get_commands()
    for page in [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "ARCHITECTURE.md"]:
        text = page.read_text(encoding="utf-8")
        for address in re.findall(r"`(?:GET|POST|PATCH|PUT|DELETE) ([a-z][\w/{}-]+)[`?]", text):
            found = resolve("/api/v1/" + re.sub(r"\{\w+\}", "00000000-0000-7000-8000-000000000000", address))
            # What no app knows is answered by a view without a name.
            assert found.url_name, (page, address)
        for command in re.findall(r"manage\.py (\w+)", text):
            assert command in commands, (page, command)


@pytest.mark.parametrize("page", ["cases.md", "figures.md", "security.md"])
def test_every_row_about_tests_names_one_and_every_test_that_is_named_exists(page):
    tables = re.findall(r"^\|[^\n]*\| tests? \|\n\|[-|]+\n((?:\|.*\n)+)", _page(page), re.M)
    rows = "".join(tables).splitlines()
    assert len(rows) > 15
    for row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row)
        assert named, row
        for file, test in named:
            assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), (file, test)


def test_every_figure_of_a_strategy_stands_beside_the_test_that_works_it_out_again():
    section = _page("figures.md").partition("## Each figure and its test")[2]
    first_cells = re.findall(r"^\|([^|]*)\|", section, re.M)
    named = re.findall(r"`(\w+)`", " ".join(first_cells))
    when_and_of_what = {"strategy", "quote", "period", "since", "computed_at"}
    assert sorted(named) == sorted(set(PerformanceSerializer.Meta.fields) - when_and_of_what)


def _page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8") + "\n"


def test_no_link_of_the_pages_beside_the_code_leads_nowhere():
    for page in ROOT.glob("*.md"):
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (ROOT / link).exists(), (page.name, link)


def test_the_picture_of_the_states_shows_each_of_them_and_which_are_final():
    drawn = (ROOT / "docs" / "images" / "states.svg").read_text(encoding="utf-8")
    boxes = re.findall(r'<rect (class="end" )?[^>]*/><text [^>]*>(\w+)</text>', drawn)
    assert {name: bool(end) for end, name in boxes} == {status: status in FINAL for status in Status}


def test_the_columns_of_every_export_are_written_down_in_their_order() -> None:
    sections = (ROOT / "docs" / "exports.md").read_text(encoding="utf-8").split("\n## ")[1:]
    told = {one.splitlines()[0]: re.findall(r"^\| `([\w{}]+)` \| .+ \|$", one, re.M) for one in sections}
    assert told == {
        "Trades": list(export.COLUMNS),
        "Cost basis": list(cost_basis.COLUMNS),
        "Statement of a copy": list(statements.COLUMNS),
        "Curve of a strategy": list(curve_files.CURVE),
        "Comparison": list(curve_files.COMPARISON),
        "Audit record": list(chain.FIELDS),
    }
