"""A real browser against a live server. Whatever it writes to its console as an error fails the test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from accounts.models import User
from accounts.services import create_user
from tests.browser.opening import OpenPage, fresh_browsers
from tests.factories import PASSWORD
from tests.subscriptions.venue import open_account, paper, paper_process, published

__all__ = ["open_account", "paper", "paper_process", "published"]

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
ALONE = ["--disable-background-networking", "--disable-component-update"]
AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))
            item.add_marker(pytest.mark.django_db(transaction=True))


def chromium() -> str:
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("There is no Chromium: install it, or name one with CHROMIUM=/path.")
    return path


@pytest.fixture(scope="module")
def browser(django_db_setup) -> Iterator[Browser]:
    # Playwright's synchronous calls leave an event loop running in this thread as long as it lives,
    # so no longer than these tests; Django would take all of them for async code.
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        started = playwright.chromium.launch(executable_path=chromium(), args=[*QUIET, *ALONE])
        yield started
        started.close()


@pytest.fixture
def open_page(browser, live_server) -> Iterator[OpenPage]:
    with fresh_browsers(browser, live_server.url, patience_ms=10_000) as opened:
        yield opened


@pytest.fixture
def person(transactional_db) -> User:
    return create_user(email="ana@example.org", password=PASSWORD, kyc_approved=True)


def log_in(page: Page, person: User) -> Page:
    page.goto("/accounts/login/")
    page.get_by_label("E-mail").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Log in", exact=True).click()
    page.wait_for_url("**/dashboard/")
    return page


def violations(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 AA, one line each."""
    if not AXE.exists():
        pytest.skip("axe-core is not there: `make assets` fetches it.")
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    # Old content fades in; colours are measured at rest.
    page.wait_for_timeout(100)
    found = page.evaluate("tags => axe.run({runOnly: tags})", AA)
    return [
        f"{v['id']}: {node['target']} {node['failureSummary']}"
        for v in found["violations"]
        for node in v["nodes"]
    ]


# On a phone, scrolled to its end.
END_IS_COVERED = """() => {
    scrollTo(0, document.documentElement.scrollHeight);
    const [end, bar] = [".foot .wrap", ".bottombar"].map((part) => document.querySelector(part));
    const covered = end !== null && bar !== null
        && end.getBoundingClientRect().bottom > bar.getBoundingClientRect().top;
    scrollTo(0, 0);
    return covered;
}"""


def faults(page: Page, address: str) -> list[str]:
    """In both themes, and on the smallest screen. The page is open afterwards."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(address)
    found = [f"light: {line}" for line in violations(page)]
    if page.evaluate(END_IS_COVERED):
        found.append("the bar covers the end of the page")
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.set_viewport_size({"width": 1280, "height": 800})
    found += [f"dark: {line}" for line in violations(page)]
    page.set_viewport_size({"width": 320, "height": 800})
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return [*found, "wider than 320 px"] if wide else found
