"""Takes every page of a running platform: `python -m tests.browser.screenshots URL FOLDER [WORD...]`.

Which pages there are is found in the table of addresses and in the platform's rows.
"""

from __future__ import annotations

import itertools
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django

django.setup()

from django.db.models import Model, QuerySet  # noqa: E402 - the apps must be ready first
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright  # noqa: E402

from accounts.kyc.models import KycCase  # noqa: E402
from accounts.models import User  # noqa: E402
from copytrade.demo import FOLLOWER, MASTERS, PASSWORD  # noqa: E402
from execution.models import CopyOrder  # noqa: E402
from strategies.models import Strategy  # noqa: E402
from subscriptions.models import Subscription  # noqa: E402
from tests.browser.addresses import ACCOUNT, ENTRANCE, addresses, is_page  # noqa: E402
from tests.browser.second_factor import turn_on_second_factor  # noqa: E402
from tests.browser.staging import APPLICANT  # noqa: E402

WIDTHS = (1280, 390)
THEMES: tuple[Any, ...] = ("light", "dark")
PUBLIC = ["/", "/strategies/", "/definitions/", "/credits/", "/nowhere/"]
STAFF = {
    "compliance": ["/dashboard/", "/admin/", "/admin/accounts/kyccase/"],
    "auditor": ["/dashboard/", "/audit/"],
    "admin": ["/dashboard/", "/operations/", "/audit/", "/admin/"],
}
# Longer pages are cut: the end of a list looks as its middle does.
LONGEST = 4000


def wanted() -> Iterator[tuple[str, str, list[str]]]:
    """Name, e-mail ('' for a visitor) and addresses of everybody who looks."""
    shown = list(Strategy.objects.filter(status="published").order_by("pk"))
    compared = "/strategies/compare/?" + "&".join(f"id={strategy.public_id}" for strategy in shown)
    first = f"/strategies/{shown[0].slug}/"
    strategies = ["/strategies/?view=table", "/strategies/?search=zzz", compared, first]
    yield "visitor", "", [*PUBLIC, *ENTRANCE, *strategies, f"{first}follow/"]
    yield "follower", FOLLOWER, [*addresses(), *ACCOUNT, *strategies, *_of_follower(), *_follow_pages(shown)]
    yield "applicant", APPLICANT, ["/kyc/", *_follow_pages(shown)]
    yield "master", MASTERS[0].email, ["/dashboard/", "/studio/", "/studio/new/", *_of_master()]
    for name, pages in STAFF.items():
        yield name, f"{name}@demo.example", pages if name != "compliance" else [*pages, *_of_reviewer()]


def _of_reviewer() -> Iterator[str]:
    for case in KycCase.objects.filter(user__email=APPLICANT):
        yield f"/admin/accounts/kyccase/{case.pk}/change/"


def _follow_pages(shown: list[Strategy]) -> list[str]:
    steps = ("", "size/", "limits/")
    return [f"/strategies/{strategy.slug}/follow/{step}" for strategy in shown[1:2] for step in steps]


def _of_follower() -> Iterator[str]:
    person = User.objects.get(email=FOLLOWER)
    orders = CopyOrder.objects.filter(subscription__follower=person)
    for status in orders.order_by("status").values_list("status", flat=True).distinct():
        yield f"/orders/{_last(orders.filter(status=status))}/"
    yield "/orders/?status=unfilled"
    copied = orders.filter(signal__isnull=False).order_by("-pk").select_related("signal").first()
    if copied and copied.signal:
        yield f"/signals/{copied.signal.public_id}/"
    copy = _last(Subscription.objects.filter(follower=person))
    yield from (f"/subscriptions/{copy}/", f"/subscriptions/{copy}/stop/")


def _of_master() -> Iterator[str]:
    for strategy in Strategy.objects.filter(owner__email=MASTERS[0].email):
        for part in ("", "signal/", "webhooks/", "close/"):
            yield f"/studio/strategies/{strategy.slug}/{part}"


def _last(rows: QuerySet[Any, Model]) -> str:
    return str(rows.order_by("-pk").values_list("public_id", flat=True)[0])


def look(browser: Browser, url: str, email: str) -> tuple[BrowserContext, Page]:
    context = browser.new_context(base_url=url, reduced_motion="reduce")
    page = context.new_page()
    if email:
        log_in(page, email)
    if email.partition("@")[0] in STAFF:
        turn_on_second_factor(page, password=PASSWORD)
    return context, page


def log_in(page: Page, email: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Password").press("Enter")
    page.wait_for_url("**/dashboard/")


def take(page: Page, address: str, target: Path, name: str) -> None:
    """One page in every theme and width."""
    for theme, width in itertools.product(THEMES, WIDTHS):
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(address)
        page.wait_for_timeout(250)
        height = min(page.evaluate("document.documentElement.scrollHeight"), LONGEST)
        page.set_viewport_size({"width": width, "height": max(height, 800)})
        page.screenshot(path=target / f"{name}.{width}.{theme}.png")


def file_name(who: str, address: str) -> str:
    words = address.replace("?", "-").replace("&", "-").replace("=", "-").strip("/").replace("/", "-")
    return f"{who}-{words or 'home'}"[:90]


def main(url: str, target: Path, words: list[str]) -> None:
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    everybody = [(who, email, list(dict.fromkeys(pages))) for who, email, pages in wanted()]
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for who, email, pages in everybody:
            named = {file_name(who, address): address for address in pages}
            chosen = {name: named[name] for name in named if any(word in name for word in words or [name])}
            if not chosen:
                continue
            context, page = look(browser, url, email)
            for name, address in chosen.items():
                if is_seen(page, address):
                    take(page, address, target, name)
            context.close()
        browser.close()
    print(f"{len(list(target.iterdir()))} pictures in {target}")


def is_seen(page: Page, address: str) -> bool:
    return address in {"/nowhere/"} or is_page(page, address)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
