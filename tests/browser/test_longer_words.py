"""Every main page in a language of longer words: nothing wider than the screen, no button cut."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils.translation import trans_real

from tests.browser.conftest import log_in
from tests.browser.pseudo_locale import PseudoLocale, stretched
from tests.factories import StrategyFactory, SubscriptionFactory
from tests.ledger.test_api_books import book
from tests.pages.market import page_of_signal, signal_with_copies

# Narrow ones last: the page is loaded once.
WIDTHS = (1280, 320)
MEASURE = """() => {
  const pressed = "button, .btn, .chip, .bottombar a, .bottombar summary, .periods a";
  const cut = [...document.querySelectorAll(pressed)].filter((el) => {
    const box = el.getBoundingClientRect();
    if (!box.width || el.closest(".panel-table, .scroll, .menu-panel")) return false;
    return box.right > innerWidth + 1 || box.left < -1 || el.scrollWidth > el.clientWidth + 1;
  });
  const wide = document.documentElement.scrollWidth > innerWidth;
  return {wide, cut: cut.map((el) => el.textContent.trim())};
}"""


@pytest.fixture
def addresses(person) -> list[str]:
    strategy = StrategyFactory.create(name="Calm BTC swing", slug="calm")
    copy = SubscriptionFactory.create(follower=person, strategy=strategy)
    book(copy)
    (order,) = signal_with_copies(strategy, [(copy, "filled")])
    signal_with_copies(strategy, [(copy, "denied")])
    StrategyFactory.create(owner=person, name="Own", slug="own")
    return [
        "/",
        "/strategies/",
        "/strategies/?view=table",
        f"/strategies/compare/?id={strategy.public_id}",
        "/strategies/calm/",
        "/strategies/calm/follow/",
        "/strategies/calm/follow/size/",
        "/strategies/calm/follow/limits/",
        "/dashboard/",
        f"/subscriptions/{copy.public_id}/",
        "/orders/",
        f"/orders/{order.public_id}/",
        page_of_signal(order),
        "/positions/",
        "/trades/",
        "/risk/",
        "/wallets/accounts/",
        "/wallets/accounts/connect/",
        "/wallets/addresses/",
        "/studio/",
        "/studio/strategies/own/signal/",
        "/notifications/",
        "/settings/security/",
        "/settings/tokens/",
        "/kyc/",
        "/bills/",
    ]


def measured(page: Any, address: str) -> dict[str, Any]:
    """What is wrong with one page, by width."""
    found = {}
    page.goto(address)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        faults = page.evaluate(MEASURE)
        if faults["wide"] or faults["cut"]:
            found[f"{address} at {width}"] = faults
    return found


def test_longer_words_break_no_page(open_page, person, addresses, monkeypatch):
    page = log_in(open_page(), person)
    monkeypatch.setitem(vars(trans_real)["_translations"], "en", PseudoLocale("en"))
    found: dict[str, Any] = {}
    for address in addresses:
        found |= measured(page, address)
    assert found == {}, found


@pytest.mark.parametrize(
    ("message", "longer"),
    [
        ("Save", "⟦Sáávéé⟧"),
        ("%(n)s of {all}: <b>100 %%</b> &amp;", "⟦%(n)s óóf {all}: <b>100 %%</b> &amp;⟧"),
    ],
)
def test_what_a_translator_leaves_alone_stays(message, longer):
    assert stretched(message) == longer
