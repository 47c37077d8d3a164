from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from subscriptions.models import Subscription
from tests.browser.conftest import log_in
from tests.factories import ExchangeAccountFactory, StrategyFactory, SubscriptionFactory
from tests.pages.market import hold, page_of_signal, quote_price, record_equity, signal_with_copies


@pytest.fixture
def copy(person) -> Subscription:
    """A copy of a strategy with a curve, a position and one order of every common ending."""
    strategy = StrategyFactory.create(name="Calm BTC swing", slug="calm", tags=["swing"])
    record_equity(strategy, [1000, 1100, 990, 1050, 1060], every=timedelta(minutes=5))
    subscription = SubscriptionFactory.create(follower=person, strategy=strategy)
    for status in ("filled", "skipped", "denied", "rejected"):
        signal_with_copies(strategy, [(subscription, status)])
    hold(subscription, "0.0012", "76.8")
    quote_price(64_500)
    return subscription


def test_a_visitor_finds_a_strategy_and_its_curve_is_drawn(open_page, copy):
    page = open_page()
    page.goto("/")
    page.keyboard.press("/")
    page.keyboard.type("calm")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Calm BTC swing").click()
    expect(page.locator("#chart canvas").first).to_be_visible()
    expect(page.locator("figcaption")).to_contain_text("From 1,000.00 to 1,060.00 USDT")


def test_a_newcomer_follows_with_paper_money(open_page, person, published):
    page = log_in(open_page(), person)
    page.goto(f"/strategies/{published.slug}/")
    page.get_by_role("link", name="Follow", exact=True).click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("How much do you put in?").fill("1200")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_label("How much do you put in?")).to_have_value("1200")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Start copying with paper money").click()
    expect(page.get_by_text("Tick this to start")).to_be_visible()
    page.get_by_label("I can afford to lose this money.").check()
    page.get_by_role("button", name="Start copying with paper money").click()
    page.wait_for_url("**/dashboard/")
    expect(page.get_by_role("heading", name="Copies")).to_be_visible()
    assert Subscription.objects.get(follower=person).exchange_account.is_paper


def test_a_double_click_starts_one_copy(open_page, person, published):
    page = log_in(open_page(), person)
    page.goto(f"/strategies/{published.slug}/follow/limits/")
    page.get_by_label("I can afford to lose this money.").check()
    page.get_by_role("button", name="Start copying with paper money").dblclick()
    page.wait_for_url("**/dashboard/")
    assert Subscription.objects.filter(follower=person).count() == 1


def test_a_new_copy_appears_on_the_dashboard_by_itself_and_focus_stays(open_page, person, copy):
    page = log_in(open_page(), person)
    rows = page.locator(".feed > li")
    expect(rows).to_have_count(4)
    focused = rows.first.get_by_role("link")
    focused.focus()
    name = focused.get_attribute("id")
    signal_with_copies(copy.strategy, [(copy, "filled")])
    expect(rows).to_have_count(5)
    assert page.evaluate("document.activeElement.id") == name
    expect(page.locator("#live-state")).to_have_text(re.compile("checked [0-3] s ago"))


def test_nothing_new_leaves_the_page_alone(open_page, person, copy):
    page = log_in(open_page(), person)
    page.evaluate("document.querySelector('.feed').dataset.touched = 'no'")
    with page.expect_response(lambda response: "/dashboard/feed/" in response.url) as answered:
        pass
    assert answered.value.status == 204
    assert page.evaluate("document.querySelector('.feed').dataset.touched") == "no"


def test_without_scripts_a_copy_can_be_paused(open_page, person, copy):
    page = log_in(open_page(javascript=False), person)
    page.get_by_role("button", name="Pause Calm BTC swing").click()
    expect(page.get_by_text("Calm BTC swing is paused")).to_be_visible()


def test_the_theme_is_chosen_and_kept(open_page, copy):
    page = open_page()
    page.goto("/strategies/")
    page.locator("header summary").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_the_keyboard_reaches_the_content_first(open_page, copy):
    page = open_page()
    page.goto("/strategies/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()


PUBLIC = ["/", "/strategies/", "/strategies/?view=table", "/strategies/calm/", "/definitions/", "/credits/"]
OWN = ["/dashboard/", "/orders/", "/strategies/calm/follow/limits/", "/accounts/email/", "/accounts/2fa/"]


def own_pages(copy: Subscription) -> list[str]:
    order = signal_with_copies(copy.strategy, [(copy, "filled")])[0]
    return [
        *OWN,
        f"/orders/{order.public_id}/",
        page_of_signal(order),
        f"/subscriptions/{copy.public_id}/stop/",
    ]


@pytest.fixture
def ended(person) -> Subscription:
    """A copy that ended in loss, with a coin kept."""
    subscription = SubscriptionFactory.create(follower=person, cash=900, status="closed")
    hold(subscription, "0.01", "60", symbol="ETH/USDT")
    return subscription


def test_the_list_of_ended_copies_stays_open_while_figures_change(open_page, person, copy, ended):
    page = log_in(open_page(), person)
    page.get_by_text("1 ended copy", exact=True).click()
    quote_price(65_000)
    # They are asked for every ten seconds, and the first time may have come before the price.
    with page.expect_response(
        lambda answer: "/dashboard/figures/" in answer.url and answer.status == 200, timeout=30_000
    ):
        pass
    expect(page.locator(".figures")).to_contain_text("1,078.00")
    expect(page.locator("details.ended .num")).to_be_visible()


@pytest.fixture
def young(person) -> None:
    """A strategy of minutes: the master and the followers' median have moved by less than can be shown."""
    strategy = StrategyFactory.create(name="Young", slug="young")
    record_equity(strategy, ["100000", "99999.99"], every=timedelta(minutes=5))
    for _n in range(5):
        SubscriptionFactory.create(strategy=strategy, cash=Decimal("999.99"))
    SubscriptionFactory.create(strategy=strategy, follower=person, cash=Decimal("999.99"))


@pytest.mark.parametrize("width", [320, 390, 768])
def test_nothing_is_wider_than_the_screen(width, open_page, person, copy, young, ended):
    page = log_in(open_page(width=width), person)
    wide = []
    for address in [*PUBLIC, *own_pages(copy)]:
        page.goto(address)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(address)
    assert wide == []


def test_choosing_real_money_is_said_on_the_button(open_page, person, copy):
    ExchangeAccountFactory.create(owner=person, exchange="binance", label="Binance main")
    other = StrategyFactory.create()
    page = log_in(open_page(), person)
    page.goto(f"/strategies/{other.slug}/follow/")
    page.get_by_label("Binance main").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("button", name="Start copying with real money")).to_be_visible()
    expect(page.get_by_text("real orders are placed")).to_be_visible()
