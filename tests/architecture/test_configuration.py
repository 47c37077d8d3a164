"""Every variable that the settings read is described, and nothing else is."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_environment_variable_is_described() -> None:
    settings = (ROOT / "copytrade" / "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r'(?:env\.\w+|whole_number)\(\s*"([A-Z_]+)"', settings))
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    described = set(re.findall(r"^#?([A-Z_]+)=", example, flags=re.MULTILINE))
    assert read == described
