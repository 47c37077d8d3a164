"""Fixtures of this folder."""

from tests.subscriptions.venue import open_account, paper, paper_process, published

__all__ = ["open_account", "paper", "paper_process", "published"]
