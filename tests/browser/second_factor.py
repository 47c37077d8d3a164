"""An authenticator app, as far as pages need one."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.one_time_codes import one_time_code


def turn_on_second_factor(page: Page, *, password: str) -> str:
    """Through the pages, which ask who is there before; the secret."""
    page.goto("/accounts/2fa/totp/activate/")
    if "/reauthenticate/" in page.url:
        page.get_by_label("Password").fill(password)
        page.get_by_label("Password").press("Enter")
    secret = page.locator("#totp-secret").inner_text()
    page.locator("input[name=code]").fill(one_time_code(secret))
    page.locator("input[name=code]").press("Enter")
    page.wait_for_url(lambda address: "activate" not in address)
    return secret
