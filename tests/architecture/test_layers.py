"""The shape of the house, beyond what import-linter sees."""

import ast
import configparser
import re
import subprocess
from pathlib import Path

import pytest
from django.apps import apps
from django.db.models import ForeignKey, Model

ROOT = Path(__file__).resolve().parents[2]
LAYERS = (
    "execution",
    "risk",
    "ledger",
    "subscriptions",
    "strategies",
    "wallets",
    "accounts",
    "compliance",
    "rest",
    "records",
)
OUR_MODELS = [model for label in LAYERS for model in apps.get_app_config(label).get_models()]
PACKAGES = ("copytrade", *LAYERS, "exchanges", "paper_exchange", "local")
# `makemessages` finds the functions by their names, and `_`.
HIDDEN_WORDS = re.compile(r"\bn?p?gettext\w* as (?!_\b)\w+")
DRAWERS = re.compile(r"^(utils?|helpers?|common|core|misc|tools|base)(\.py)?$")


def files(*folders: str) -> list[Path]:
    """The Python files that git knows or would take, without migrations."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *folders],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [ROOT / name for name in listed if name.endswith(".py") and "/migrations/" not in name]


def test_the_layers_of_the_linter_are_the_layers_here() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / ".importlinter")
    declared = config["importlinter:contract:one-way"]["layers"].split()
    assert declared == ["copytrade", *LAYERS, "exchanges"]


@pytest.mark.parametrize("model", OUR_MODELS, ids=lambda model: model.__name__)
def test_foreign_keys_point_down(model: type[Model]) -> None:
    here = LAYERS.index(model._meta.app_label)
    for field in model._meta.get_fields():
        if isinstance(field, ForeignKey) and field.related_model._meta.app_label in LAYERS:
            assert LAYERS.index(field.related_model._meta.app_label) >= here, field


@pytest.mark.parametrize("model", OUR_MODELS, ids=lambda model: model.__name__)
def test_no_model_can_be_read_from_below(model: type[Model]) -> None:
    """A reverse relation would let a lower layer read an upper one without importing it."""
    for field in model._meta.get_fields():
        if isinstance(field, ForeignKey) and field.related_model._meta.app_label != model._meta.app_label:
            assert field.remote_field.hidden, f"{field} has a reverse relation"


def test_there_are_no_drawers() -> None:
    drawers = [
        path for path in files(*PACKAGES) if any(DRAWERS.match(part) for part in path.relative_to(ROOT).parts)
    ]
    assert drawers == []


def test_every_file_is_short_enough_to_read() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in files(*PACKAGES)
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 460
    }
    assert long == {}


def test_words_for_translators_are_marked_by_names_that_their_tools_look_for() -> None:
    assert [str(path) for path in files(*PACKAGES) if HIDDEN_WORDS.search(path.read_text())] == []


def test_money_is_never_a_float_in_a_column() -> None:
    floats = [
        f"{model.__name__}.{field.name}"
        for model in OUR_MODELS
        for field in model._meta.get_fields()
        if field.__class__.__name__ == "FloatField"
    ]
    assert floats == []


def test_no_domain_signals_are_sent_between_apps() -> None:
    """Only a library's signals are listened to, in accounts and where a worker starts."""
    listeners = {
        str(path.relative_to(ROOT))
        for path in files(*LAYERS)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").endswith("signals")
        and not (node.module or "").startswith(("strategies", "execution"))
    }
    at_start = {"execution/tasks.py", "compliance/tasks.py"}
    assert all(name.startswith("accounts/") or name in at_start for name in listeners), listeners
