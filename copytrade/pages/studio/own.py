"""Which strategy a master's page is about."""

from __future__ import annotations

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from accounts.person import signed_in
from strategies.models import Strategy


def own_strategy(request: HttpRequest, slug: str) -> Strategy:
    """One's own; others' do not exist here."""
    mine = Strategy.objects.filter(owner_id=signed_in(request).pk)
    return get_object_or_404(mine.select_related("owner", "exchange_account"), slug=slug)
