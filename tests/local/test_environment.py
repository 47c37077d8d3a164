import base64
import stat
from pathlib import Path

import pytest

from local import demo, environment
from local.report import Refusal


def test_secrets_are_made_once_and_for_us_alone(tmp_path: Path) -> None:
    path = tmp_path / "env"
    first = environment.kept_secrets(path)
    assert environment.kept_secrets(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(base64.urlsafe_b64decode(first["FIELD_ENCRYPTION_KEYS"])) == 32


def test_a_secret_that_the_caller_sets_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "given")
    env = environment.for_platform(environment.new_secrets())
    assert env["SECRET_KEY"] == "given"


def test_programs_get_a_home_they_can_write_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    assert Path(environment.base()["HOME"]).is_dir()


@pytest.mark.parametrize("port", ["abc", "0", "65536", "-1", "８０"])
def test_a_port_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("PORT", port)
    with pytest.raises(Refusal, match=f"PORT={port} is not a port"):
        demo._web_port()
