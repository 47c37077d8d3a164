"""Every page that a GET finds: WCAG 2.2 AA in both themes, nothing wider than 320 px, a quiet console.

What the content policy stops is told on the console too, and fails the test (`open_page`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.notifications.kinds import NotificationKind
from accounts.notifications.models import NotificationChannel
from accounts.notifications.services import notify
from compliance.audit import SYSTEM
from execution.models import ExportJob
from strategies.invites.services import create_invite
from tests.browser.addresses import ACCOUNT, ENTRANCE, addresses, is_page
from tests.browser.conftest import faults, log_in
from tests.browser.test_pages import copy, ended
from tests.factories import StrategyFactory, SubscriptionFactory
from tests.ledger.test_api_books import book
from tests.pages.market import hold, page_of_signal, signal_with_copies
from wallets.models import WalletAddress

__all__ = ["copy", "ended"]


NOW = timezone.now()
EXPORTS: list[dict[str, Any]] = [
    {"state": "running", "attempt": 1, "alive_at": NOW, "rows_total": 120_000, "rows_written": 25_000},
    {
        "state": "done",
        "stored_as": "exports/x",
        "rows_total": 3,
        "rows_written": 3,
        "size": 700,
        "finished_at": NOW,
        "expires_at": NOW + timedelta(days=1),
    },
]


@pytest.fixture
def own_pages(person, copy, ended) -> list[str]:
    """Pages with parameters, each with something on it."""
    book(copy)
    hold(copy, "0.5", "1500", symbol="ETH/USDT")
    (order,) = signal_with_copies(copy.strategy, [(copy, "filled")])
    own = StrategyFactory.create(owner=person, slug="mine", visibility="private")
    invite = create_invite(strategy=own, group="friends", origin=SYSTEM, now=timezone.now()).invite
    client = SubscriptionFactory.create(strategy=own, invite=invite, master_may_change=True)
    signal_with_copies(own, [(client, "denied")])
    studio = "/studio/strategies/mine/"
    exports = [
        ExportJob.objects.create(owner=person, format="csv", filters={}, up_to=1, **at) for at in EXPORTS
    ]
    return [
        *(f"/trades/exports/{export.public_id}/" for export in exports),
        "/strategies/?view=table",
        "/bills/?role=master",
        "/strategies/calm/",
        "/strategies/calm/follow/",
        "/strategies/calm/follow/size/",
        "/strategies/calm/follow/limits/",
        f"/orders/{order.public_id}/",
        page_of_signal(order),
        f"/subscriptions/{copy.public_id}/",
        f"/subscriptions/{copy.public_id}/stop/",
        f"/subscriptions/{copy.public_id}/statement/",
        f"/subscriptions/{ended.public_id}/",
        *(f"{studio}{part}" for part in ("", "signal/", "webhooks/", "invites/", "close/")),
        *(f"{studio}group/{part}" for part in ("", "?name=friends", "change/?name=friends")),
    ]


@pytest.fixture
def belongings(person) -> None:
    """One of each that people keep here: an address, a channel, something they were told."""
    now = timezone.now()
    WalletAddress.objects.create(
        owner=person,
        exchange="binance",
        network="bitcoin",
        address="bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
        label="Cold store",
        direction="deposit",
        status="active",
        usable_from=now,
    )
    NotificationChannel.objects.create(
        user=person, kind="ntfy", label="Phone", sealed="-", hint="ntfy.sh/…", created_at=now
    )
    notify(
        user_ids=[person.pk],
        kind=NotificationKind.KEY_INVALID,
        title="A key stopped working",
        body="Its copies wait.",
        link="/wallets/accounts/",
        dedupe="key",
        now=now,
    )


def links_in_mails(person: User) -> list[str]:
    """What a person opens who confirms an address, or has forgotten the password."""
    address = EmailAddress.objects.get(user=person)
    key = f"{user_pk_to_url_str(person)}-{default_token_generator.make_token(person)}"
    return [
        reverse("account_confirm_email", args=[EmailConfirmationHMAC(address).key]),
        f"/accounts/password/reset/key/{key}/",
    ]


# Eighty pages, each read twice: on a slow machine that is minutes.
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("belongings")
def test_every_page_meets_wcag_aa_and_fits_a_small_screen(open_page, person, own_pages):
    page = open_page()
    found = {address: faults(page, address) for address in [*ENTRANCE, *links_in_mails(person)]}
    log_in(page, person)
    quiet = [address for address in [*addresses(), *ACCOUNT, *own_pages] if is_page(page, address)]
    assert {"/dashboard/", "/trades/", "/positions/", "/risk/", "/studio/", "/settings/security/"} <= {*quiet}
    for address in quiet:
        found[address] = faults(page, address)
    assert {address: lines for address, lines in found.items() if lines} == {}


def test_without_scripts_one_logs_in_looks_follows_pauses_and_exports(open_page, person, copy, published):
    book(copy)
    page = log_in(open_page(javascript=False, width=390), person)
    page.goto("/strategies/?search=Calm+swing")
    page.get_by_role("link", name=published.name, exact=True).click()
    page.get_by_role("link", name="Follow", exact=True).click()
    page.get_by_label("Open a paper account now").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("I can afford to lose this money.").check()
    page.get_by_role("button", name="Start copying").click()
    page.wait_for_url("**/dashboard/")
    page.get_by_role("link", name="Calm BTC swing", exact=True).first.click()
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("Calm BTC swing is paused").wait_for()
    page.get_by_role("link", name="Its trades").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    assert download.value.suggested_filename == "trades.csv"
