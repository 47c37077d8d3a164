"""The admin shows what masters and followers do, and changes nothing of it."""

import pytest
from django.utils import timezone

from accounts.models import User
from tests import factories

PAGES = [
    "strategies/strategy",
    "strategies/signal",
    "subscriptions/subscription",
    "execution/copyorder",
    "ledger/trade",
    "ledger/position",
]


@pytest.fixture
def staff(client, db):
    client.force_login(User.objects.create_superuser("root@example.org", factories.PASSWORD))
    return client


@pytest.mark.parametrize("page", PAGES)
def test_every_list_opens_and_offers_no_adding(staff, subscription, page):
    assert staff.get(f"/admin/{page}/").status_code == 200
    assert staff.get(f"/admin/{page}/add/").status_code == 403


def test_a_strategy_is_looked_at_not_changed(staff, strategy):
    url = f"/admin/strategies/strategy/{strategy.pk}/change/"
    assert staff.get(url).status_code == 200
    assert staff.post(url, {"name": "Other", "published_at": timezone.now()}).status_code == 403
