from __future__ import annotations

from decimal import Decimal

import pytest

from accounts.models import User
from exchanges import gateway
from execution.models import CopyOrder
from strategies.models import Signal, Strategy, Webhook
from tests.factories import PASSWORD, ExchangeAccountFactory, StrategyFactory, SubscriptionFactory
from tests.pages.market import signal_with_copies, text_of

OFFER = {
    "name": "Calm swing",
    "description": "Slow.",
    "symbols": "btc/usdt, ETH/USDT",
    "risk_level": "low",
    "min_capital": "100",
    "performance_fee_percent": "12.5",
    "max_followers": "20",
    "tags": "swing, calm",
    "visibility": "private",
    "positions_visible_to": "followers",
}
SIGNAL = {
    "client_signal_id": "page-1",
    "symbol": "BTC/USDT",
    "side": "buy",
    "type": "market",
    "amount": "0.01",
    "price": "",
}


@pytest.fixture
def account(user, open_account):
    return open_account(user)


@pytest.fixture
def draft(page, account):
    answer = page.post("/studio/new/", OFFER | {"exchange_account": str(account.public_id)})
    assert answer.status_code == 302, answer.context["form"].errors
    return Strategy.objects.get()


@pytest.fixture
def mine(page, draft):
    page.post(f"{address_of(draft)}publish/")
    draft.refresh_from_db()
    return draft


def address_of(strategy: Strategy) -> str:
    return f"/studio/strategies/{strategy.slug}/"


def test_a_draft_holds_all_that_was_said_of_it(draft, account):
    kept = {name: getattr(draft, name) for name in ("symbols", "tags", "visibility", "max_followers")}
    assert kept == {
        "symbols": ["BTC/USDT", "ETH/USDT"],
        "tags": ["swing", "calm"],
        "visibility": "private",
        "max_followers": 20,
    }
    assert draft.status == "draft"
    assert draft.exchange_account == account


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "a\u202eb"),
        ("symbols", "BTC"),
        ("symbols", "NOPE/USDT"),
        ("min_capital", "-1"),
        ("performance_fee_percent", "51"),
        ("max_followers", "0"),
        ("tags", "x" * 31),
        ("visibility", "all"),
        ("exchange_account", "none"),
    ],
)
def test_an_offer_that_is_not_valid_is_told_beside_its_field(field, value, page, account):
    offer = OFFER | {"exchange_account": str(account.public_id), field: value}
    answer = page.post("/studio/new/", offer)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert not Strategy.objects.exists()


def test_a_strategy_goes_from_draft_to_published_to_closed(page, draft):
    page.post(f"{address_of(draft)}publish/")
    draft.refresh_from_db()
    assert draft.status == "published"
    assert "Nobody can join any more" in text_of(page.get(f"{address_of(draft)}close/"))
    page.post(f"{address_of(draft)}close/")
    draft.refresh_from_db()
    assert draft.status == "closed"
    assert "does not change any more" in text_of(page.get(address_of(draft)))


def test_the_studio_publishes_with_real_money_only_after_the_identity_check(
    page, user, draft, settings, paper
):
    settings.KYC_REQUIRED = True
    User.objects.filter(pk=user.pk).update(kyc_status="pending")
    real = StrategyFactory.create(
        owner=user,
        exchange_account=ExchangeAccountFactory.create(owner=user, exchange="binance"),
        status="draft",
        published_at=None,
    )
    page.get("/studio/")  # what was said on making the draft
    # The paper exchange speaks the live venue's protocol and stands in for it.
    gateway.configure(url_overrides={"binance": paper.address}, paper_exchange_url=paper.address)
    answer = page.post(f"{address_of(real)}publish/", follow=True)
    told = [str(message) for message in answer.context["messages"]]
    assert told == ["This needs an approved identity check; paper accounts do not."]
    assert told[0] in text_of(answer)
    page.post(f"{address_of(draft)}publish/")
    for strategy, status in ((real, "draft"), (draft, "published")):
        strategy.refresh_from_db()
        assert strategy.status == status


def test_only_what_was_changed_is_saved(page, mine):
    form = page.get(address_of(mine)).context["form"]
    answers = {field.name: field.value() for field in form}
    assert "exchange_account" not in answers
    page.post(address_of(mine), answers | {"description": "Slower."})
    mine.refresh_from_db()
    assert mine.description == "Slower."
    SubscriptionFactory.create(strategy=mine)
    refused = page.post(address_of(mine), answers | {"performance_fee_percent": "20"})
    assert "neither its fee rises" in text_of(refused)
    mine.refresh_from_db()
    assert str(mine.performance_fee_percent) == "12.50"


def test_a_draft_can_be_deleted_and_what_has_followers_cannot(page, user, draft):
    followed = SubscriptionFactory.create(strategy=StrategyFactory.create(owner=user)).strategy
    for strategy in (draft, followed):
        page.post(f"{address_of(strategy)}delete/")
    assert list(Strategy.objects.all()) == [followed]


def test_what_a_signal_will_do_is_told_before_the_button(page, mine):
    SubscriptionFactory.create(strategy=mine, status="paused")
    SubscriptionFactory.create(strategy=mine)
    answer = page.post(f"{address_of(mine)}signal/", SIGNAL)
    shown = text_of(answer)
    assert "You buy <strong>0.01 BTC</strong>, about 1,000.00 USDT." in shown
    assert "1 of 2 follow with about 99.00 USDT." in shown
    assert "Copying was paused" in shown
    assert "Publish: buy 0.01 BTC" in shown
    assert not Signal.objects.exists()


def test_a_signal_is_published_once_however_often_the_button_is_pressed(page, mine):
    for _press in range(2):
        answer = page.post(f"{address_of(mine)}signal/", SIGNAL | {"publish": "1"})
        assert answer.status_code == 302
    order = CopyOrder.objects.get()
    assert order.origin == "master"
    assert Signal.objects.get().requested_amount == Decimal("0.01")


@pytest.mark.parametrize(
    ("field", "value"),
    [("amount", "0.0000001"), ("amount", "1e3"), ("price", "5"), ("symbol", "DOGE/USDT"), ("side", "hold")],
)
def test_a_signal_that_would_be_refused_is_told_and_not_sent(field, value, page, mine):
    for body in ({}, {"publish": "1"}):
        answer = page.post(f"{address_of(mine)}signal/", SIGNAL | {field: value} | body)
        assert answer.status_code == 422
        assert list(answer.context["form"].errors) == [field]
    assert not Signal.objects.exists()


def test_a_webhook_needs_a_fresh_log_in_and_is_shown_once(client, user, page):
    strategy = StrategyFactory.create(owner=user)
    address = f"{address_of(strategy)}webhooks/"
    assert page.post(address).headers["Location"].startswith("/accounts/reauthenticate/")
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    made = text_of(client.post(address))
    assert "/hooks/cth_" in made
    hook = Webhook.objects.get()
    listed = text_of(client.get(address))
    assert "/hooks/cth_" not in listed
    assert str(hook) in listed
    assert '"symbol": "BTC/USDT"' in listed
    assert "{{strategy.order.contracts}}" in listed
    client.post(f"{address}{hook.public_id}/revoke/")
    hook.refresh_from_db()
    assert hook.revoked_at is not None


def test_the_studio_tells_why_copies_failed_and_what_could_be_changed(page, user):
    own = StrategyFactory.create(owner=user)
    follower = SubscriptionFactory.create(strategy=own)
    mine_too = SubscriptionFactory.create(strategy=own, follower=user, own=True)
    for ending in ("filled", "skipped", "skipped", "denied"):
        signal_with_copies(own, [(follower, ending), (mine_too, "skipped")])
    answer = page.get("/studio/")
    failures = answer.context["body"]
    assert "Ask for more capital" in failures
    assert "own choice" in failures
    assert '<dd class="figure-value">4</dd>' in failures  # copies
    assert '<dd class="figure-value">3</dd>' in failures  # not copied


def test_others_strategies_do_not_exist_in_the_studio(page):
    other = StrategyFactory.create()
    for act in ("", "signal/", "webhooks/", "close/"):
        assert page.get(f"{address_of(other)}{act}").status_code == 404
    for act in ("publish/", "close/", "delete/", "signal/"):
        assert page.post(f"{address_of(other)}{act}", SIGNAL).status_code == 404
    other.refresh_from_db()
    assert other.status == "published"


def test_more_strategies_take_no_more_queries(page, user, count_queries):
    StrategyFactory.create(owner=user)
    few = count_queries(page, "/studio/")
    for _n in range(5):
        SubscriptionFactory.create(strategy=StrategyFactory.create(owner=user))
    assert count_queries(page, "/studio/") == few
