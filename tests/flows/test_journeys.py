"""What people do here, from their first page to their last, in a browser against the whole platform."""

from __future__ import annotations

import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Download, Page, expect, sync_playwright

from local.paths import ROOT
from tests.accounts.papers import image
from tests.browser.conftest import ALONE, QUIET, chromium
from tests.browser.opening import OpenPage, fresh_browsers
from tests.browser.second_factor import turn_on_second_factor
from tests.flows.platform_run import PlatformRun, eventually
from tests.flows.test_integrator import PASSWORD

pytestmark = [pytest.mark.flow, pytest.mark.browser, pytest.mark.xdist_group("platform")]
LIVE_MS = 30_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=[*QUIET, *ALONE])
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser, platform: PlatformRun) -> Iterator[OpenPage]:
    with fresh_browsers(browser, platform.platform.url, patience_ms=LIVE_MS) as opened:
        yield opened


def somebody(platform: PlatformRun, *options: str) -> str:
    email = f"person-{secrets.token_hex(4)}@example.com"
    platform.platform.manage("create_user", email, "--password", PASSWORD, *options)
    return email


def log_in(page: Page, email: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Password").press("Enter")
    page.wait_for_url("**/dashboard/")


def sign_up(page: Page, platform: PlatformRun) -> str:
    """Through the form and the link of the mail, which this platform writes to its log."""
    email = f"newcomer-{secrets.token_hex(4)}@example.com"
    page.goto("/")
    page.get_by_role("link", name="Try with paper money").first.click()
    page.locator("input[name=email]").fill(email)
    page.locator("input[name=password1]").fill(PASSWORD)
    page.locator("input[name=password2]").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign up").click()
    page.wait_for_url("**/accounts/confirm-email/")
    page.goto(eventually(lambda: mailed_link(platform, email), bool))
    page.get_by_role("main").get_by_role("button", name="Yes, it is mine").click()
    return email


def mailed_link(platform: PlatformRun, email: str) -> str:
    _before, to_us, mail = platform.platform.children["web"].log_text().partition(f"To: {email}")
    found = re.search(r"https?://\S+(/accounts/confirm-email/\S+)", mail) if to_us else None
    return found[1] if found else ""


def saved(download: Download, folder: Path) -> Path:
    target = folder / download.suggested_filename
    download.save_as(target)
    return target


@pytest.mark.parametrize("width", [1280, 390])
def test_a_newcomer_signs_up_copies_meets_a_limit_and_leaves(
    width: int, open_page: OpenPage, platform: PlatformRun, tmp_path: Path
) -> None:
    name = f"journey-{width}"
    strategy = platform.inside("build", name=name, followers=1)["strategy"]
    page = open_page(width=width)
    email = sign_up(page, platform)
    if "/dashboard/" not in page.url:
        log_in(page, email)
    turn_on_second_factor(page, password=PASSWORD)

    page.goto("/kyc/")
    page.set_input_files(
        "input[type=file]",
        {"name": "passport.png", "mimeType": "image/png", "buffer": image("PNG", (900, 600))},
    )
    page.get_by_role("button", name="Send document").click()
    expect(page.get_by_text("Passport received.")).to_be_visible()
    approve(open_page(width=width), platform, email)
    page.goto("/kyc/")
    expect(page.get_by_role("main")).to_contain_text("Your identity is approved.")

    find(page, name)
    follow(page)
    platform.inside("master_trades", strategy=strategy, side="buy", share="0.1")
    copied = page.locator(".feed > li", has_text="Copied")
    expect(copied).to_have_count(1, timeout=LIVE_MS)
    expect(copied).to_contain_text("buy 0.00099 BTC")

    page.goto("/risk/")
    page.get_by_label("One order, at most").fill("5")
    page.get_by_role("button", name="Save limits").click()
    expect(page.get_by_text("Every order from now on obeys these limits.")).to_be_visible()
    page.goto("/dashboard/")
    platform.inside("master_trades", strategy=strategy, side="buy", share="0.1")
    denied = page.locator(".feed > li", has_text="Denied")
    expect(denied).to_have_count(1, timeout=LIVE_MS)
    denied.get_by_role("link").first.click()
    expect(page.get_by_role("main")).to_contain_text("you allow 5")

    page.goto("/trades/")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    assert len(saved(download.value, tmp_path).read_text().splitlines()) == 2
    leave(page, name)


def approve(page: Page, platform: PlatformRun, applicant: str) -> None:
    """As a reviewer, who has to look at the document first."""
    log_in(page, somebody(platform, "--role", "compliance"))
    turn_on_second_factor(page, password=PASSWORD)
    page.goto("/admin/accounts/kyccase/")
    page.get_by_role("link", name=applicant).click()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Look at the passport").click()
    expect(opened.value.get_by_role("img")).to_be_visible()
    opened.value.close()
    page.get_by_label("Reason").fill("Passport is right")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Approved.")).to_be_visible()


def find(page: Page, name: str) -> None:
    page.goto(f"/strategies/?search={name}")
    page.get_by_role("main").get_by_role("link", name=name, exact=True).click()


def follow(page: Page) -> None:
    """From the strategy's page: read what copying it would have done, and follow with paper money."""
    page.get_by_role("link", name="Follow", exact=True).click()
    page.get_by_label("Open a paper account now").check()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name=re.compile("Preview"))).to_be_visible()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("I can afford to lose this money.").check()
    page.get_by_role("button", name="Start copying with paper money").click()
    page.wait_for_url("**/dashboard/")


def leave(page: Page, name: str) -> None:
    page.goto("/dashboard/")
    page.locator(".copies").get_by_role("link", name=name, exact=True).first.click()
    page.get_by_role("link", name="Stop copying").click()
    page.get_by_role("button", name="Sell and stop").click()
    page.wait_for_url("**/dashboard/")
    expect(page.get_by_text("1 ended copy", exact=True)).to_be_visible(timeout=LIVE_MS)
    page.goto("/trades/?side=sell")
    expect(page.get_by_text("1 trade", exact=True)).to_be_visible()


@pytest.fixture
def price_goes_back(platform: PlatformRun) -> Iterator[None]:
    yield
    platform.control("POST", "price", {"symbol": "BTCUSDT", "price": "100000"})


@pytest.mark.usefixtures("price_goes_back")
def test_a_master_invites_sends_a_signal_and_bills_what_the_follower_gained(
    open_page: OpenPage, platform: PlatformRun
) -> None:
    page, guest = open_page(), open_page(width=390)
    log_in(page, somebody(platform))
    page.goto("/wallets/accounts/connect/")
    page.get_by_role("button", name="Open paper account").click()
    page.goto("/studio/new/")
    page.get_by_label("Name").fill("Steady hands")
    page.get_by_label("Coins").fill("BTC/USDT")
    page.get_by_label("Fee on followers' profit, in %").fill("10")
    page.get_by_label("Who may find it").select_option("private")
    page.get_by_role("button", name="Keep as a draft").click()
    page.get_by_role("button", name="Publish").click()
    page.get_by_role("link", name="Invites").click()
    page.get_by_role("button", name="Make").click()

    log_in(guest, somebody(platform))
    guest.goto(page.locator("#new-invite").inner_text())
    follow(guest)
    publish_signal(page)
    expect(guest.locator(".feed > li", has_text="Copied")).to_have_count(1, timeout=LIVE_MS)

    platform.control("POST", "price", {"symbol": "BTCUSDT", "price": "120000"})
    leave(guest, "Steady hands")
    platform.inside("settle_fees")
    page.goto("/bills/?role=master")
    expect(page.get_by_role("row", name="Steady hands")).to_contain_text("10 %")


def publish_signal(page: Page) -> None:
    """What it will do is read first; it is gone when the exchange has it."""
    page.goto("/studio/")
    page.get_by_role("link", name="Publish signal").click()
    page.get_by_label("Amount of the coin").fill("0.01")
    page.get_by_role("button", name="Show what this will do").click()
    expect(page.get_by_text("about 1,000.00 USDT")).to_be_visible()
    page.get_by_role("button", name="Publish: buy 0.01 BTC").click()
    signal = page.url

    def sent() -> bool:
        page.goto(signal)
        return page.get_by_role("cell", name="Done").count() > 0

    eventually(sent, bool)


def test_an_auditor_exports_the_record_with_its_proof(
    open_page: OpenPage, platform: PlatformRun, tmp_path: Path
) -> None:
    page = open_page(width=390)
    log_in(page, somebody(platform, "--role", "auditor"))
    turn_on_second_factor(page, password=PASSWORD)
    page.goto("/audit/")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    script = ROOT / "docs" / "verify_audit_export.py"
    export = saved(download.value, tmp_path)
    checked = subprocess.run(
        [sys.executable, "-I", script, export], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
