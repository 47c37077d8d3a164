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
# What no language says otherwise: names, licences, units, and a sample of what a program sends.
UNTRANSLATED = {"Copytrade", "TradingView", "bps"}
LICENCES = ROOT / "templates" / "pages" / "credits.html"
NOT_WORDS = re.compile(
    r"\{% verbatim %\}.*?\{% endverbatim %\}|\{% blocktranslate.*?\{% endblocktranslate %\}"
    r"|\{%.*?%\}|\{\{.*?\}\}|<(pre|script|code)\b.*?</\1>",
    re.DOTALL,
)
TAG = re.compile(r"<[^>]*>")
SAID_BY_TAG = re.compile(
    r"""\b(?:aria-label|title|placeholder|alt|data-[a-z]+)=["']([^"']*[A-Za-z]{3} [^"']*)["']"""
)
WORD = re.compile(r"[A-Za-z]{2,}")
ICONS = re.compile(r"""\{% icon ["']([a-z0-9-]+)["'] %\}""")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_nothing_inline_that_the_policy_would_block(path):
    assert not INLINE.findall(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", [path for path in PAGES if path.parent.name != "legal"], ids=name_of)
def test_every_word_that_people_read_can_be_translated(path):
    html = NOT_WORDS.sub("", path.read_text(encoding="utf-8"))
    words = set(WORD.findall(TAG.sub(" ", html))) | {*SAID_BY_TAG.findall(html)}
    assert path == LICENCES or words <= UNTRANSLATED


def test_every_icon_that_a_template_names_is_fetched():
    fetched = set((ROOT / "local" / "icons.txt").read_text(encoding="ascii").split())
    named = {name for path in TEMPLATES for name in ICONS.findall(path.read_text(encoding="utf-8"))}
    assert named
    assert named <= fetched
