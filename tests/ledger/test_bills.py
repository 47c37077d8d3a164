"""Performance fees: one bill per copy and period, above the mark only, between two people."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from accounts.models import Notification
from compliance.audit import SYSTEM
from compliance.models import AuditRecord
from execution.leaving import leave
from execution.statement import statement_of
from ledger.bills import services
from ledger.models import Bill, Mark, Position, PricePoint
from strategies.models import Strategy
from subscriptions.models import Subscription
from tests import factories

URL = "/api/v1/bills/"
BEGUN = datetime(2026, 3, 10, 12, tzinfo=UTC)
APRIL = datetime(2026, 4, 1, 0, 10, tzinfo=UTC)
MAY = datetime(2026, 5, 1, 0, 10, tzinfo=UTC)


@pytest.fixture
def strategy(db):
    return factories.StrategyFactory(performance_fee_percent=Decimal(10))


@pytest.fixture
def copy(user, strategy):
    """1,000 USDT of the user's, which became 1,200."""
    return factories.SubscriptionFactory(
        follower=user,
        strategy=strategy,
        cash=Decimal(1200),
        agreed_fee_percent=Decimal(10),
        created_at=BEGUN,
    )


@pytest.fixture
def bill(copy):
    services.settle_due(now=APRIL)
    return Bill.objects.get()


def gain(copy, amount):
    row = Subscription.objects.get(pk=copy.pk)
    Subscription.objects.filter(pk=copy.pk).update(cash=row.cash + Decimal(amount))


def error_of(response, status=400):
    assert response.status_code == status, response.content
    (error,) = response.json()["errors"]
    return error["code"], error["attr"]


def test_a_month_that_ended_becomes_one_bill_however_often_it_is_settled(copy):
    assert [services.settle_due(now=APRIL + timedelta(minutes=10 * run)) for run in range(3)] == [1, 0, 0]
    bill = Bill.objects.get()
    assert (bill.amount, bill.percent, bill.asset) == (20, Decimal(10), "USDT")
    assert bill.gain == Decimal(200)
    assert (bill.month, bill.closing_number, bill.state) == (date(2026, 3, 1), 0, "open")
    copy.refresh_from_db()
    assert (copy.fee_mark, copy.high_water_mark) == (200, 1200)


@pytest.mark.django_db(transaction=True)
def test_settled_twice_at_once_it_is_billed_once(copy):
    def settle(_number):
        try:
            return services.settle_due(now=APRIL)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(settle, range(2))) == [0, 1]
    assert Bill.objects.count() == 1


def test_what_died_before_its_end_left_nothing_and_is_done_again(copy, monkeypatch):
    def die(*_args, **_kwargs):
        raise RuntimeError("the worker is gone")

    with monkeypatch.context() as patch:
        patch.setattr("ledger.bills.telling.billed", die)
        with pytest.raises(RuntimeError):
            services.settle_due(now=APRIL)
    assert not Bill.objects.exists()
    assert services.settle_due(now=APRIL) == 1


def test_a_running_month_is_not_billed(copy):
    assert services.settle_due(now=BEGUN + timedelta(days=20)) == 0


def test_a_loss_won_back_is_not_billed_again_and_only_what_is_above_the_mark_is(copy, bill):
    gain(copy, -150)
    assert services.settle_due(now=MAY) == 0
    gain(copy, 180)
    assert services.settle_due(now=MAY + timedelta(days=31)) == 1
    assert Bill.objects.latest("pk").amount == 3


def test_money_put_in_is_no_gain(copy, bill):
    Subscription.objects.filter(pk=copy.pk).update(allocation=1500, cash=1700)
    assert services.settle_due(now=MAY) == 0
    copy.refresh_from_db()
    assert copy.high_water_mark == 1700


def test_nobody_pays_more_than_was_agreed_nor_more_than_is_asked(copy, strategy):
    Strategy.objects.filter(pk=strategy.pk).update(performance_fee_percent=30)
    services.settle_due(now=APRIL)
    assert Bill.objects.latest("pk").percent == 10
    Strategy.objects.filter(pk=strategy.pk).update(performance_fee_percent=5)
    gain(copy, 100)
    services.settle_due(now=MAY)
    assert Bill.objects.latest("pk").amount == 5


def test_own_copies_pay_nothing(copy):
    Subscription.objects.filter(pk=copy.pk).update(own=True)
    assert services.settle_due(now=APRIL) == 0


def test_without_a_price_the_result_is_unknown_and_billing_waits(copy):
    Position.objects.create(
        strategy=copy.strategy, subscription=copy, symbol="BTC/USDT", held=1, target=1, cost=100
    )
    assert services.settle_due(now=APRIL) == 0
    Mark.objects.create(exchange="paper", symbol="BTC/USDT", price=50, at=APRIL)
    assert services.settle_due(now=APRIL) == 1
    assert Bill.objects.get().amount == 25


def test_leaving_is_billed_at_the_prices_of_that_moment(copy):
    now = BEGUN + timedelta(days=1)
    Position.objects.create(
        strategy=copy.strategy, subscription=copy, symbol="BTC/USDT", held=1, target=1, cost=100
    )
    Position.objects.create(
        strategy=copy.strategy, subscription=copy, symbol="ETH/USDT", held=1, target=1, cost=30
    )
    PricePoint.objects.create(
        exchange="paper", symbol="BTC/USDT", at=now - timedelta(minutes=3), price=150, read_at=now
    )
    leave(subscription=copy, positions="keep", now=now)
    for _run in range(2):
        services.settle_due(now=now + timedelta(hours=3))
    bill = Bill.objects.get()
    # What has no price of then counts as what it cost: 1200 + 150 + 30.
    assert (bill.amount, bill.month, bill.closing_number) == (38, date(2026, 3, 1), 1)


def test_a_copy_reopened_by_a_late_fill_is_billed_for_the_rest_only(copy):
    now = BEGUN + timedelta(days=1)
    leave(subscription=copy, positions="keep", now=now)
    services.settle_due(now=now)
    later = now + timedelta(hours=1)
    Subscription.objects.filter(pk=copy.pk).update(cash=1250, closing_number=2, closed_at=later)
    services.settle_due(now=later)
    assert [row.amount for row in Bill.objects.order_by("pk")] == [20, 5]


def test_the_database_itself_refuses_a_second_bill_of_a_period(bill):
    again = {field.name: getattr(bill, field.name) for field in Bill._meta.concrete_fields}
    again = {name: value for name, value in again.items() if name not in ("id", "public_id")}
    with pytest.raises(IntegrityError, match="one_bill_per_subscription_and_period"):
        Bill.objects.create(**again)


def test_both_people_are_told_of_a_bill_and_the_follower_of_its_end(copy, bill, strategy):
    told = Notification.objects.filter(kind="performance_fee")
    assert dict(told.values_list("user_id", "link")) == {
        copy.follower_id: "/bills/",
        strategy.owner_id: "/bills/?role=master",
    }
    services.waive(bill=bill, by=strategy.owner, origin=SYSTEM, now=APRIL)
    assert told.filter(user=copy.follower, title__contains="waived").count() == 1


def test_a_follower_reads_the_bill_and_a_stranger_does_not(api, api_of, stranger, copy, bill):
    (shown,) = api.get(URL).json()["results"]
    assert (shown["role"], shown["amount"], shown["gain"], shown["percent"]) == (
        "follower",
        "20",
        "200",
        "10",
    )
    assert (shown["month"], shown["occasion"], shown["state"]) == ("2026-03", "month", "open")
    assert shown["subscription"] == str(copy.public_id)
    assert api_of(stranger).get(URL).json()["results"] == []
    for act in ("mark-paid", "waive"):
        assert api_of(stranger).post(f"{URL}{bill.public_id}/{act}/").status_code == 404


def test_lists_are_filtered_and_cost_the_same_whatever_their_length(
    api, user, copy, bill, django_assert_max_num_queries
):
    for number in range(1, 4):
        Bill.objects.create(
            strategy=copy.strategy,
            subscription=copy,
            month=date(2025, number, 1),
            mark_before=0,
            mark_after=1,
            percent=10,
            amount=Decimal("0.1"),
            asset="USDT",
        )
    with django_assert_max_num_queries(6):
        assert len(api.get(URL).json()["results"]) == 4
    assert api.get(f"{URL}?role=master").json()["results"] == []
    assert len(api.get(f"{URL}?role=follower&state=open").json()["results"]) == 4
    assert error_of(api.get(f"{URL}?state=x"))[1] == "state"


@pytest.mark.parametrize(
    ("act", "other", "state"), [("mark-paid", "waive", "paid"), ("waive", "mark-paid", "waived")]
)
def test_the_master_says_once_what_becomes_of_a_bill(api_of, strategy, bill, act, other, state):
    master = api_of(strategy.owner)
    for _ in range(2):
        answer = master.post(f"{URL}{bill.public_id}/{act}/")
        assert (answer.status_code, answer.json()["state"]) == (200, state)
        assert (answer.json()["role"], answer.json()["subscription"]) == ("master", None)
    assert error_of(master.post(f"{URL}{bill.public_id}/{other}/"), 409)[0] == "bill_decided"
    assert AuditRecord.objects.filter(action__startswith="bill.").count() == 1


def test_a_follower_cannot_say_that_a_bill_is_paid(api, bill):
    for act in ("mark-paid", "waive"):
        assert error_of(api.post(f"{URL}{bill.public_id}/{act}/"), 403)[0] == "not_the_master"
    bill.refresh_from_db()
    assert bill.state == "open"


def test_the_statement_tells_what_was_charged_in_its_time(copy, bill):
    def charged(since, until):
        return statement_of(copy, since=since, until=until, now=MAY).performance_fee

    assert charged(BEGUN, MAY) == 20
    assert charged(BEGUN, APRIL) == 0
    services.waive(bill=bill, by=copy.strategy.owner, origin=SYSTEM, now=timezone.now())
    assert charged(BEGUN, MAY) == 0
