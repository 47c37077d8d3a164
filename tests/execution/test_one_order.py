"""One order for each signal and copy: the database's own word."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from records.fields import uuid7
from tests.pages.market import signal_with_copies


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"client_order_id": "another"}, "one_order_per_origin_subscription_symbol_part"),
        ({"part": 1}, "one_order_per_client_order_id"),
    ],
)
def test_the_database_itself_refuses_a_second_order_for_a_signal_and_a_copy(
    changes, constraint, subscription
):
    (order,) = signal_with_copies(subscription.strategy, [(subscription, "filled")])
    order.pk, order.public_id, order._state.adding = None, uuid7(), True
    for name, value in changes.items():
        setattr(order, name, value)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        order.save()


def test_the_database_itself_lets_one_order_of_a_copy_and_symbol_be_at_the_venue(subscription):
    first, second = (
        signal_with_copies(subscription.strategy, [(subscription, "filled")])[0] for _ in range(2)
    )
    orders = type(first).objects
    orders.filter(pk=first.pk).update(status="submitting")
    with pytest.raises(IntegrityError, match="one_order_in_flight"), transaction.atomic():
        orders.filter(pk=second.pk).update(status="submitting")
