"""The pages there are, found in the table of addresses."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse
from playwright.sync_api import Page

# Not pages of ours, pages of staff, and what ends the session.
ELSEWHERE = (
    "/api/", "/admin/", "/hooks/", "/token/", "/metrics", "/healthz", "/readyz", "/accounts/", "/audit/"
)  # fmt: skip
ENTRANCE = [
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/accounts/password/reset/done/",
    "/accounts/password/reset/key/done/",
    "/accounts/confirm-email/",
    "/accounts/confirm-email/used/",
    "/accounts/inactive/",
]
ACCOUNT = [
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/reauthenticate/",
    "/accounts/sessions/",
    "/accounts/2fa/",
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/webauthn/",
    "/accounts/2fa/webauthn/add/",
    "/accounts/logout/",
]


def addresses() -> Iterator[str]:
    """Of every named route without parameters."""
    for name in sorted(_names(get_resolver().url_patterns)):
        try:
            address = reverse(name)
        except NoReverseMatch:
            continue
        if not address.startswith(ELSEWHERE):
            yield address


def _names(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            if pattern.namespace is None:
                yield from _names(pattern.url_patterns)
        elif pattern.name:
            yield pattern.name


def is_page(page: Page, address: str) -> bool:
    """Asked beside the browser, whose console would tell of a refusal. Fragments have no head."""
    answer = page.request.get(address, max_redirects=0)
    html = answer.headers.get("content-type", "").startswith("text/html")
    return answer.status == 200 and html and "<html" in answer.text()
