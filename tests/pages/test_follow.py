from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import Consent, User
from compliance.models import AuditRecord
from ledger.models import Mark, Position
from risk.models import RiskLimits
from strategies.models import PerformanceSnapshot
from subscriptions.models import Opening, Subscription
from tests.factories import ExchangeAccountFactory, SubscriptionFactory
from tests.pages.market import text_of
from wallets.models import ExchangeAccount
from wallets.services import CannotConnect

ANSWERS = {
    "account": "new-paper",
    "allocation": "1000",
    "sizing_mode": "proportional",
    "sizing_value": "1",
    "max_slippage_bps": "30",
    "confirm": "on",
}


@pytest.fixture(autouse=True)
def a_form_of_its_own(monkeypatch):
    """The cache outlives the test: another one's form is another form."""
    monkeypatch.setitem(ANSWERS, "form_id", str(uuid4()))


def test_levels_and_what_the_master_holds_are_chosen_on_following(page, user, published):
    more = {
        "stop_loss_percent": "10",
        "take_profit_percent": "25.5",
        "on_master_lost": "close",
        "copy_open_positions": "on",
    }
    page.post(f"/strategies/{published.slug}/follow/limits/", ANSWERS | more)
    copy = Subscription.objects.get(follower=user)
    assert (copy.stop_loss_percent, copy.take_profit_percent) == (Decimal(10), Decimal("25.5"))
    assert copy.on_master_lost == "close"
    assert Opening.objects.get().subscription == copy


def test_unless_ticked_nothing_that_the_master_holds_is_opened(page, user, published):
    page.post(f"/strategies/{published.slug}/follow/limits/", ANSWERS)
    assert Subscription.objects.get(follower=user).on_master_lost == "hold"
    assert not Opening.objects.exists()


def test_what_opening_costs_is_told_before_and_unticked(page, strategy):
    now = timezone.now()
    Position.objects.create(strategy=strategy, symbol="BTC/USDT", held="0.01", target="0.01", cost="900")
    address = f"/strategies/{strategy.slug}/follow/limits/"
    assert "about" not in text_of(page.get(address)).partition("Open what the master holds now")[2][:10]
    exchange = strategy.exchange_account.exchange
    Mark.objects.update_or_create(
        exchange=exchange, symbol="BTC/USDT", defaults={"price": 100_000, "at": now}
    )
    PerformanceSnapshot.objects.create(strategy=strategy, at=now, equity=10_000)
    answer = page.get(address)
    assert "Open what the master holds now, about 100.00 USDT" in text_of(answer)
    assert answer.context["form"]["copy_open_positions"].value() is None
    shown = text_of(page.post(address, ANSWERS | {"allocation": "NaN", "preview": "1"}))
    assert "about 100.00" not in shown


def test_a_newcomer_follows_with_a_paper_account_opened_on_the_way(page, user, published):
    answer = page.post(f"/strategies/{published.slug}/follow/limits/", ANSWERS, follow=True)
    subscription = Subscription.objects.get(follower=user)
    assert (subscription.allocation, subscription.max_slippage_bps) == (1000, 30)
    assert ExchangeAccount.objects.get(owner=user).is_paper
    assert f"You follow {published.name} from its next trade on." in text_of(answer)


def test_the_tick_under_which_copying_starts_is_a_recorded_consent(page, user, published):
    page.post(f"/strategies/{published.slug}/follow/limits/", ANSWERS | {"confirm": ""})
    assert not Consent.objects.exists()
    page.post(f"/strategies/{published.slug}/follow/limits/", ANSWERS)
    assert set(Consent.objects.filter(user=user).values_list("document", flat=True)) == {"terms", "risks"}
    assert AuditRecord.objects.filter(action="consent.give", actor=str(user.public_id)).count() == 2


def test_a_form_sent_twice_starts_one_copy_on_one_account(page, user, published):
    address = f"/strategies/{published.slug}/follow/limits/"
    answers = [page.post(address, ANSWERS) for _press in range(2)]
    assert [answer.headers["Location"] for answer in answers] == ["/dashboard/"] * 2
    assert Subscription.objects.filter(follower=user).count() == 1
    assert ExchangeAccount.objects.filter(owner=user).count() == 1
    assert "nothing was started twice" in text_of(page.get("/dashboard/"))


def test_each_form_opened_has_an_id_of_its_own(page, strategy):
    address = f"/strategies/{strategy.slug}/follow/"
    first, second = (page.get(address).context["form"]["form_id"].value() for _visit in range(2))
    assert first != second


def test_a_form_that_was_refused_can_be_sent_again(page, user, published, monkeypatch):
    def no_answer(**_asked: object) -> None:
        raise CannotConnect

    address = f"/strategies/{published.slug}/follow/limits/"
    with monkeypatch.context() as patch:
        patch.setattr("copytrade.pages.follow.open_paper_account", no_answer)
        assert page.post(address, ANSWERS).status_code == 422
    assert page.post(address, ANSWERS).status_code == 302
    assert Subscription.objects.filter(follower=user).count() == 1


def test_paper_accounts_opened_here_have_different_names(page, user, published):
    for _form in range(3):
        page.post(f"/strategies/{published.slug}/follow/limits/", ANSWERS | {"form_id": str(uuid4())})
    labels = ExchangeAccount.objects.filter(owner=user).order_by("id").values_list("label", flat=True)
    assert list(labels) == ["Paper money", "Paper money 2", "Paper money 3"]


def test_what_the_service_refuses_stands_beside_its_field(page, user, published, open_account):
    account = open_account(user, "500")
    ExchangeAccount.objects.filter(pk=account.pk).update(free_quote=5000)
    answers = ANSWERS | {"account": str(account.public_id), "allocation": "900"}
    answer = page.post(f"/strategies/{published.slug}/follow/limits/", answers)
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
    answer = page.post(f"/strategies/{strategy.slug}/follow/limits/", ANSWERS | {field: value})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert not Subscription.objects.exists()
    assert not ExchangeAccount.objects.filter(owner=user).exists()


def test_a_form_without_any_answer_comes_back_with_what_is_missing(page, strategy):
    answer = page.post(f"/strategies/{strategy.slug}/follow/limits/", {})
    assert answer.status_code == 422


def test_the_form_comes_back_as_typed(page, strategy):
    shown = text_of(
        page.post(f"/strategies/{strategy.slug}/follow/limits/", ANSWERS | {"allocation": "12345678"})
    )
    assert 'value="12345678"' in shown
    assert "This account has 10,000.00 USDT free." in shown


def test_less_than_the_strategy_asks_for_is_refused(page, strategy):
    strategy.min_capital = 2000
    strategy.save()
    answer = page.post(f"/strategies/{strategy.slug}/follow/limits/", ANSWERS)
    assert "at least 2,000.00 USDT" in str(answer.context["form"].errors["allocation"])


def test_real_money_without_an_identity_check_cannot_be_chosen(page, user, strategy):
    User.objects.update(kyc_status=User.KycStatus.PENDING)
    account = ExchangeAccountFactory.create(owner=user, exchange="binance")
    address = f"/strategies/{strategy.slug}/follow/"
    assert "Real money needs an approved identity check" in text_of(page.get(address))
    answer = page.post(f"{address}limits/", ANSWERS | {"account": str(account.public_id)})
    assert list(answer.context["form"].errors) == ["account"]


def test_other_peoples_accounts_are_no_choice(page, strategy):
    other = ExchangeAccountFactory.create()
    answer = page.post(
        f"/strategies/{strategy.slug}/follow/limits/", ANSWERS | {"account": str(other.public_id)}
    )
    assert list(answer.context["form"].errors) == ["account"]


def test_following_needs_a_log_in(client, strategy):
    answer = client.get(f"/strategies/{strategy.slug}/follow/")
    assert answer.headers["Location"].startswith("/accounts/login/")


def test_each_step_asks_for_its_own_and_carries_the_rest(page, strategy):
    address = f"/strategies/{strategy.slug}/follow/"
    answer = page.post(address, {"account": "new-paper"})
    assert answer.headers["Location"] == f"{address}size/?account=new-paper"
    typed = {"account": "new-paper", "allocation": "2500", "sizing_mode": "multiplier", "sizing_value": "0.5"}
    answer = page.post(f"{address}size/", typed | {"max_slippage_bps": ""})
    assert answer.headers["Location"].startswith(f"{address}limits/?")
    shown = text_of(page.get(answer.headers["Location"]))
    assert "never spending more than 2,500 USDT" in shown
    assert "Multiplier × 0.5" in shown
    assert '<input type="hidden" name="allocation" value="2500">' in shown
    assert 'name="max_slippage_bps" id="id_max_slippage_bps" value=""' in shown


def test_no_more_is_suggested_than_copies_leave_on_the_chosen_account(page, user, strategy):
    account = ExchangeAccountFactory.create(owner=user, exchange="paper", free_quote=Decimal("650.50"))
    SubscriptionFactory.create(follower=user, exchange_account=account, cash=Decimal(200))
    address = f"/strategies/{strategy.slug}/follow/"
    assert 'name="allocation"' not in text_of(page.get(address))
    shown = text_of(page.get(f"{address}size/?account={account.public_id}"))
    assert 'name="allocation" id="id_allocation" value="450"' in shown
    assert "450.50 USDT are free on this account." in shown
    shown = text_of(page.get(f"{address}size/?account=new-paper"))
    assert 'name="allocation" id="id_allocation" value="1000"' in shown


def test_the_agreement_says_how_much_may_be_lost_in_a_day_and_how_others_fare(page, user, strategy):
    address = f"/strategies/{strategy.slug}/follow/limits/?account=new-paper&allocation=2500"
    shown = text_of(page.get(address))
    assert "no limit for a day's loss" in shown
    assert "Nobody follows this strategy yet." in shown
    RiskLimits.objects.create(user=user, max_daily_loss=Decimal(50))
    assert "Copying pauses after a loss of 50.00 USDT in a day" in text_of(page.get(address))


def test_back_keeps_what_was_typed_on_both_pages(page, strategy):
    address = f"/strategies/{strategy.slug}/follow/"
    typed = {name: text for name, text in ANSWERS.items() if name not in ("confirm", "form_id")}
    answer = page.post(f"{address}limits/?to=back", typed | {"stop_loss_percent": "7", "confirm": "on"})
    assert answer.headers["Location"].startswith(f"{address}size/?")
    assert "confirm" not in answer.headers["Location"]
    shown = text_of(page.get(answer.headers["Location"]))
    assert 'name="allocation" id="id_allocation" value="1000"' in shown
    assert '<input type="hidden" name="stop_loss_percent" value="7">' in shown


def test_a_step_with_a_wrong_answer_leads_no_further(page, strategy):
    answer = page.post(
        f"/strategies/{strategy.slug}/follow/size/", {"account": "new-paper", "allocation": "20000"}
    )
    assert answer.status_code == 422
    assert answer.context["step"].number == 2
    assert "This account has 10,000.00 USDT free." in text_of(answer)


def test_a_wrong_answer_of_an_earlier_step_leads_back_to_it(page, strategy):
    answer = page.post(f"/strategies/{strategy.slug}/follow/limits/", ANSWERS | {"allocation": "no"})
    assert answer.context["step"].number == 2
    assert not Subscription.objects.exists()
