"""What the content policy and the assets ask of every template."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
# No policy holds in a mail program, and many of them read no style but an inline one.
PAGES = [path for path in TEMPLATES if path.parent.name != "mail"]
# JSON for a script is data, which no policy stops.
INLINE = re.compile(
    r"\sstyle=|\son[a-z]+=|<style|<script(?![^>]*(?:\bsrc=|application/json))|javascript:|\shx-on|=.js:"
)
ICONS = re.compile(r"""\{% icon ["']([a-z0-9-]+)["'] %\}""")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_nothing_inline_that_the_policy_would_block(path):
    assert not INLINE.findall(path.read_text(encoding="utf-8"))


def test_every_icon_that_a_template_names_is_fetched():
    fetched = set((ROOT / "local" / "icons.txt").read_text(encoding="ascii").split())
    named = {name for path in TEMPLATES for name in ICONS.findall(path.read_text(encoding="utf-8"))}
    assert named
    assert named <= fetched
