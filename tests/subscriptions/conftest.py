"""Fixtures of this folder."""

import pytest

from tests.subscriptions.venue import open_account, paper, paper_process, published

__all__ = ["open_account", "paper", "paper_process", "published"]


@pytest.fixture
def body(user, published, open_account):
    return {
        "strategy": str(published.public_id),
        "exchange_account": str(open_account(user, "1500").public_id),
        "allocation": "1000",
        "sizing": {"mode": "proportional", "value": "1"},
    }
