from __future__ import annotations

import pytest

from accounts.models import User
from subscriptions.models import Subscription
from tests.factories import ExchangeAccountFactory
from tests.pages.market import text_of
from wallets.models import ExchangeAccount

ANSWERS = {
    "account": "new-paper",
    "allocation": "1000",
    "sizing_mode": "proportional",
    "sizing_value": "1",
    "max_slippage_bps": "30",
    "confirm": "on",
}


@pytest.mark.django_db(transaction=True)
def test_a_newcomer_follows_with_a_paper_account_opened_on_the_way(page, user, published):
    answer = page.post(f"/strategies/{published.slug}/follow/", ANSWERS, follow=True)
    subscription = Subscription.objects.get(follower=user)
    assert (subscription.allocation, subscription.max_slippage_bps) == (1000, 30)
    assert ExchangeAccount.objects.get(owner=user).is_paper
    assert f"You follow {published.name} from its next trade on." in text_of(answer)


@pytest.mark.django_db(transaction=True)
def test_what_the_service_refuses_stands_beside_its_field(page, user, published, open_account):
    account = open_account(user, "500")
    ExchangeAccount.objects.filter(pk=account.pk).update(free_quote=5000)
    answers = ANSWERS | {"account": str(account.public_id), "allocation": "900"}
    answer = page.post(f"/strategies/{published.slug}/follow/", answers)
    assert answer.status_code == 422
    assert "500 USDT is free" in str(answer.context["form"].errors["allocation"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("confirm", ""),
        ("allocation", ""),
        ("allocation", "NaN"),
        ("allocation", "1e400"),
        ("allocation", "-5"),
        ("allocation", "20000"),
        ("sizing_mode", "all-in"),
        ("sizing_value", "0"),
        ("max_slippage_bps", "2.5"),
        ("account", "00000000-0000-0000-0000-000000000000"),
    ],
)
def test_a_wrong_answer_comes_back_beside_its_field_and_starts_nothing(field, value, page, user, strategy):
    answer = page.post(f"/strategies/{strategy.slug}/follow/", ANSWERS | {field: value})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert not Subscription.objects.exists()
    assert not ExchangeAccount.objects.filter(owner=user).exists()


def test_the_form_comes_back_as_typed(page, strategy):
    shown = text_of(page.post(f"/strategies/{strategy.slug}/follow/", ANSWERS | {"allocation": "12345678"}))
    assert 'value="12345678"' in shown
    assert "This account has 10,000.00 USDT free." in shown


def test_less_than_the_strategy_asks_for_is_refused(page, strategy):
    strategy.min_capital = 2000
    strategy.save()
    answer = page.post(f"/strategies/{strategy.slug}/follow/", ANSWERS)
    assert "at least 2,000.00 USDT" in str(answer.context["form"].errors["allocation"])


def test_real_money_without_an_identity_check_cannot_be_chosen(page, user, strategy):
    User.objects.update(kyc_status=User.KycStatus.PENDING)
    account = ExchangeAccountFactory.create(owner=user, exchange="binance")
    address = f"/strategies/{strategy.slug}/follow/"
    assert "Real money needs an approved identity check" in text_of(page.get(address))
    answer = page.post(address, ANSWERS | {"account": str(account.public_id)})
    assert list(answer.context["form"].errors) == ["account"]


def test_other_peoples_accounts_are_no_choice(page, strategy):
    other = ExchangeAccountFactory.create()
    answer = page.post(f"/strategies/{strategy.slug}/follow/", ANSWERS | {"account": str(other.public_id)})
    assert list(answer.context["form"].errors) == ["account"]


def test_following_needs_a_log_in(client, strategy):
    answer = client.get(f"/strategies/{strategy.slug}/follow/")
    assert answer.headers["Location"].startswith("/accounts/login/")
