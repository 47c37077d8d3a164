"""Where a name in one's own books leads to."""

from __future__ import annotations

from django import template
from django.urls import reverse

from strategies.models import Strategy
from subscriptions.models import Subscription

register = template.Library()


@register.simple_tag
def strategy_url(strategy: Strategy, copy: Subscription | None) -> str:
    """The strategy's page; where one has left a private one, which only others may see, one's own copy's."""
    has_left = copy is not None and copy.status == Subscription.Status.CLOSED
    if copy is not None and has_left and strategy.visibility == Strategy.Visibility.PRIVATE:
        return reverse("copy", args=[copy.public_id])
    return reverse("strategy", args=[strategy.slug])
