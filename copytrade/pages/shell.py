"""What the frame of every page needs."""

from __future__ import annotations

from django.http import HttpRequest

THEMES = ("light", "dark")


def shell(request: HttpRequest) -> dict[str, object]:
    """The chosen theme (empty: follow the system)."""
    theme = request.COOKIES.get("theme", "")
    return {"theme": theme if theme in THEMES else ""}
