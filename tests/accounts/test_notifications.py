"""The inbox: told once for each cause, read by its owner only."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Notification, NotificationSettings, User
from accounts.notifications.kinds import ALWAYS, NotificationKind
from accounts.notifications.services import notify

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
INBOX = "/api/v1/notifications/"
KIND = NotificationKind.SUBSCRIPTION_PAUSED


@pytest.fixture
def api_of(api_of):
    """As everywhere, without what people are told of the tokens that tests make."""

    def quiet(user, *scopes):
        client = api_of(user, *scopes)
        Notification.objects.filter(kind=NotificationKind.TOKEN_CREATED).delete()
        return client

    return quiet


def tell(*people: User, dedupe: str = "1", kind: NotificationKind = KIND, at: datetime = NOW) -> int:
    return notify(
        user_ids=[one.pk for one in people],
        kind=kind,
        title=f"Fact {dedupe}",
        body="What happened. What we did. What you can do.",
        link="/dashboard/",
        now=at,
        dedupe=dedupe,
    )


def test_a_notification_is_read_by_whom_it_is_for(api, api_of, user, stranger):
    assert tell(user) == 1
    [row] = api.get(INBOX).json()["results"]
    assert row.pop("id")
    assert row == {
        "kind": "subscription_paused",
        "title": "Fact 1",
        "body": "What happened. What we did. What you can do.",
        "link": "/dashboard/",
        "created_at": "2026-03-01T12:00:00Z",
        "read_at": None,
    }
    assert api_of(stranger).get(INBOX).json()["results"] == []


def test_a_cause_is_told_once_to_each_person(user, stranger):
    assert tell(user, user) == 1
    assert tell(user, stranger) == 1
    assert tell(user, stranger) == 0
    # Another kind with the same words of dedupe is another cause.
    assert tell(user, kind=NotificationKind.SUBSCRIPTION_RESUMED) == 1


def test_the_database_itself_refuses_a_second_telling(user):
    tell(user)
    row = Notification.objects.get()

    with pytest.raises(IntegrityError), transaction.atomic():
        Notification.objects.create(
            user=user, kind=row.kind, title="x", body="x", dedupe_key=row.dedupe_key, created_at=NOW,
            mail="due", mail_due_at=NOW,
        )  # fmt: skip


def test_any_number_of_people_are_told_by_one_statement(user, stranger, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert tell(user, stranger) == 2
    with django_assert_num_queries(0):
        assert tell() == 0


def test_nobody_is_told_what_was_rolled_back(user):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        tell(user)
        _ = 1 / 0
    assert not Notification.objects.exists()


def test_a_long_title_never_fails_the_act_it_tells_of(user):
    told = notify(user_ids=[user.pk], kind=KIND, title="x" * 500, body="", now=NOW, dedupe="y" * 500)
    assert told == 1
    assert len(Notification.objects.get().title) == 200


def test_what_is_switched_off_is_not_mailed_and_what_cannot_be_is(user):
    NotificationSettings.objects.create(user=user, mail_off=[kind.value for kind in NotificationKind])
    for kind in NotificationKind:
        tell(user, kind=kind)
    mailed = set(Notification.objects.filter(mail="due").values_list("kind", flat=True))
    assert mailed == {kind.value for kind in ALWAYS}
    assert Notification.objects.count() == len(NotificationKind)


def test_the_first_reading_counts(api, user):
    tell(user)
    address = f"{INBOX}{Notification.objects.get().public_id}/read/"
    first = api.post(address)
    assert first.status_code == 200
    assert first.json()["read_at"]
    assert api.post(address).json()["read_at"] == first.json()["read_at"]


def test_what_belongs_to_somebody_else_cannot_be_marked(api_of, user, stranger):
    tell(user)
    assert api_of(stranger).post(f"{INBOX}{Notification.objects.get().public_id}/read/").status_code == 404
    assert api_of(stranger).post(f"{INBOX}read-all/").json() == {"read": 0}
    assert Notification.objects.get().read_at is None


def test_all_are_marked_as_read_and_the_list_tells_them_apart(api, user):
    tell(user)
    assert api.post(f"{INBOX}read-all/").json() == {"read": 1}
    tell(user, dedupe="2", at=NOW + timedelta(hours=1))
    titles = {
        answer: [row["title"] for row in api.get(f"{INBOX}?unread={answer}").json()["results"]]
        for answer in ("true", "false")
    }
    assert titles == {"true": ["Fact 2"], "false": ["Fact 1"]}
    assert [row["title"] for row in api.get(INBOX).json()["results"]] == ["Fact 2", "Fact 1"]


@pytest.mark.parametrize("query", ["unread=yes", "unread=1", "read=true", "unread=true&unread=true"])
def test_a_filter_that_cannot_be_understood_is_refused(api, query):
    assert api.get(f"{INBOX}?{query}").status_code == 400


def test_marking_takes_the_scope_trade_and_no_fields(api, api_of, user):
    tell(user)
    address = f"{INBOX}{Notification.objects.get().public_id}/read/"
    assert api_of(user, "read").post(address).status_code == 403
    refused = api.post(address, {"read_at": "now"})
    assert refused.json()["errors"][0]["code"] == "unknown_field"


def test_the_inbox_costs_the_same_however_long_it_is(api, user, django_assert_max_num_queries):
    for number in range(30):
        tell(user, dedupe=str(number))
    with django_assert_max_num_queries(6):
        assert len(api.get(INBOX).json()["results"]) == 30
