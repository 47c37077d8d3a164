"""/definitions/ and /credits/: what the words and numbers mean, and whose work is used."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

# The notice that the chart library's licence asks to be shown; its other files are shown from the folder.
CHART_NOTICE = (
    "TradingView Lightweight Charts™\nCopyright (с) 2025 TradingView, Inc. https://www.tradingview.com/"
)


def definitions(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/definitions.html")


def credits_page(request: HttpRequest) -> HttpResponse:
    context = {"chart_notice": CHART_NOTICE, "icons_licence": _licence("icons")}
    return render(request, "pages/credits.html", context)


@cache
def _licence(package: str) -> str:
    path = Path(settings.BASE_DIR) / "static" / "vendor" / package / "LICENSE"
    return path.read_text(encoding="utf-8") if path.exists() else ""
