"""The environment that every process of the platform gets here: ours, plus what production sets by hand."""

import base64
import os
import secrets
from pathlib import Path

from local.paths import ROOT, RUN, VENV

# Packages are compiled by whoever imports them first, and a dozen processes start at once: it must be kept.
FOREIGN = (
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHOME",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "MAKEFLAGS",
    "MFLAGS",
    "MAKELEVEL",
)


def base() -> dict[str, str]:
    """What programs need to run at all, also where the environment was empty."""
    env = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    env["PATH"] = f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}"
    env["PYTHONUTF8"] = "1"
    env["PYTHONUNBUFFERED"] = "1"
    env.setdefault("LANG", "C.UTF-8")
    if not os.access(env.get("HOME", ""), os.W_OK):
        home = RUN / "home"
        home.mkdir(parents=True, exist_ok=True)
        env["HOME"] = str(home)
    return env


def _encryption_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def new_secrets() -> dict[str, str]:
    return {"SECRET_KEY": secrets.token_urlsafe(50), "FIELD_ENCRYPTION_KEYS": _encryption_key()}


def kept_secrets(path: Path) -> dict[str, str]:
    """Secrets made once and kept in a file for us alone: what they encrypt outlives a restart."""
    if not path.exists():
        draft = path.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(
            "".join(f"{name}={value}\n" for name, value in new_secrets().items()), encoding="ascii"
        )
        draft.rename(path)
    lines = path.read_text(encoding="ascii").split()
    return dict(line.split("=", 1) for line in lines)


def for_platform(platform_secrets: dict[str, str]) -> dict[str, str]:
    """Secrets set by the caller win over ours."""
    given = {name: os.environ[name] for name in platform_secrets if os.environ.get(name)}
    local = {"ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]", "DEBUG": "false"}
    return (
        base()
        | {name: os.environ.get(name, value) for name, value in local.items()}
        | platform_secrets
        | given
    )


def for_one_run() -> dict[str, str]:
    """For a benchmark or a check, with secrets that nobody needs afterwards."""
    data = os.environ.get("COPYTRADE_DATA") or str((ROOT / "../shared/data").resolve())
    return for_platform(new_secrets()) | {"COPYTRADE_DATA": data}


def for_tests() -> dict[str, str]:
    """With DEBUG for plain static files: nothing has to be collected first."""
    return for_one_run() | {"DEBUG": os.environ.get("DEBUG", "true")}
