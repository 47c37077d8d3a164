from __future__ import annotations

from exchanges import gateway
from subscriptions.models import Subscription
from tests.factories import SubscriptionFactory
from tests.pages.market import text_of

ADDRESS = "/subscriptions/change/"


def test_one_form_changes_the_chosen_copies_or_says_which_one_refuses(page, user, stranger):
    first, second, _ = SubscriptionFactory.create_batch(3, follower=user)
    foreign = SubscriptionFactory.create(follower=stranger)
    chosen = [str(row.public_id) for row in (first, second, foreign)]
    wanted = {"copy": chosen, "allocation": "700", "status": "paused", "confirm": "yes"}
    Subscription.objects.filter(pk=second.pk).update(cash=100)
    refused = page.post(ADDRESS, wanted)
    assert refused.status_code == 422
    assert "More of the allocation than that is in use" in text_of(refused)
    assert not Subscription.objects.exclude(allocation=1000).exists()

    Subscription.objects.filter(pk=second.pk).update(cash=1000)
    assert page.post(ADDRESS, wanted).headers["Location"] == "/dashboard/"
    rows = [(row.status, int(row.allocation)) for row in Subscription.objects.order_by("pk")]
    assert rows == [("paused", 700), ("paused", 700), ("active", 1000), ("active", 1000)]
    history = text_of(page.get(f"/subscriptions/{first.public_id}/"))
    assert "Allocation changed: 1,000.00 → 700.00 USDT" in history


def test_nothing_chosen_or_nothing_to_change_is_said(page, subscription):
    for wanted in ({"copy": str(subscription.public_id)}, {"status": "paused"}):
        assert "Choose at least one copy" in text_of(page.post(ADDRESS, wanted))
    assert page.post(ADDRESS, {"copy": "x", "allocation": "abc"}).status_code == 422


def test_an_exchange_that_does_not_answer_is_said_and_the_form_keeps_what_was_typed(page, subscription):
    account = subscription.exchange_account
    account.exchange = "kraken"
    account.save()
    gateway.configure(url_overrides={"kraken": "http://127.0.0.1:9"}, paper_exchange_url="")
    wanted = {"copy": str(subscription.public_id), "allocation": "2000", "confirm": "yes"}
    answer = page.post(ADDRESS, wanted)
    assert answer.status_code == 422
    assert "The exchange does not answer" in text_of(answer) and 'value="2000"' in answer.text


def test_a_preview_comes_first_and_writes_nothing(page, user):
    first, second = SubscriptionFactory.create_batch(2, follower=user)
    chosen = [str(row.public_id) for row in (first, second)]
    shown = page.post(ADDRESS, {"copy": chosen, "allocation": "700", "status": "active"})
    lines = [
        [(str(line.label), line.before, line.after) for line in outcome.differences]
        for outcome in shown.context["outcomes"]
    ]
    assert lines == [[("Allocation", "1,000.00", "700.00")]] * 2
    assert [f'name="copy" value="{key}"' in shown.content.decode() for key in chosen] == [True, True]
    assert 'name="allocation" value="700"' in shown.content.decode()
    assert set(Subscription.objects.values_list("allocation", flat=True)) == {1000}
    back = page.post(ADDRESS, {"copy": chosen, "allocation": "700", "back": "yes"})
    assert back.context["form"]["allocation"].value() == "700"
    assert [is_chosen for _copy, is_chosen, _refusal in back.context["rows"]] == [True, True]
