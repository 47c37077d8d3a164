"""A signed-in browser without a browser, and a venue for the pages that ask one."""

from __future__ import annotations

import pytest

from tests.pages.market import signal_with_copies
from tests.subscriptions.venue import open_account, paper, paper_process, published

__all__ = ["open_account", "paper", "paper_process", "published"]


@pytest.fixture
def page(client, user):
    """The user's browser."""
    client.force_login(user)
    return client


@pytest.fixture
def copied(subscription):
    """An order of the user's, filled."""
    return signal_with_copies(subscription.strategy, [(subscription, "filled")])[0]


@pytest.fixture
def count_queries(django_assert_max_num_queries):
    """How many queries a GET takes."""

    def counted(client, path: str) -> int:
        client.get(path)  # the session of a first visit costs a query more
        with django_assert_max_num_queries(200) as captured:
            response = client.get(path)
        assert response.status_code == 200
        return len(captured)

    return counted
