"""Copies of a suspended person."""

from subscriptions import tasks
from subscriptions.models import Subscription
from tests.factories import SubscriptionFactory


def test_the_copies_of_a_suspended_person_pause_and_nobody_elses(transactional_db, subscription):
    other = SubscriptionFactory.create()
    subscription.follower.is_active = False
    subscription.follower.save()
    tasks.pause_unapproved()
    statuses = dict(Subscription.objects.values_list("pk", "status"))
    assert statuses == {subscription.pk: "paused", other.pk: "active"}
