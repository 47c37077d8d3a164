"""The page of notifications, what is chosen there, and the bell."""

import pytest
from django.test import Client

from accounts.models import Notification, NotificationChannel, NotificationSettings, User
from accounts.notifications import channel_api
from accounts.notifications.kinds import ALWAYS, BY_CHOICE
from tests.accounts.test_gate import here, site
from tests.accounts.test_notifications import api_of, tell

__all__ = ["api_of", "site"]
PAGE = "/notifications/"
PREFERENCES = "/api/v1/notifications/preferences/"


@pytest.fixture
def page(user, monkeypatch):
    monkeypatch.setattr(channel_api, "way_out", here)
    client = Client()
    client.force_login(user)
    return client


def text_of(response) -> str:
    return str(response.content.decode())


def test_the_page_tells_what_is_unread_and_marks_it_read(page, user, stranger):
    tell(user)
    tell(stranger, dedupe="not yours")
    shown = text_of(page.get(PAGE))
    assert "Fact 1" in shown and "1 unread" in shown and "not yours" not in shown
    page.post(f"{PAGE}read-all/")
    assert "Nothing unread" in text_of(page.get(PAGE))


def test_opening_one_marks_it_read_and_leads_on(page, user, stranger):
    tell(user, stranger)
    own, foreign = Notification.objects.get(user=user), Notification.objects.get(user=stranger)
    answer = page.post(f"{PAGE}{own.public_id}/read/")
    assert (answer.status_code, answer["Location"]) == (302, "/dashboard/")
    assert page.post(f"{PAGE}{foreign.public_id}/read/").status_code == 404
    assert set(Notification.objects.unread()) == {foreign}


def test_the_bell_answers_only_when_its_number_changes(page, user, client):
    tell(user)
    assert "1 unread notification" in text_of(page.get(f"{PAGE}bell/?after=0"))
    assert page.get(f"{PAGE}bell/?after=1").status_code == 204
    assert client.get(f"{PAGE}bell/?after=0").status_code == 204


def test_what_is_not_ticked_is_not_told_elsewhere(page, user):
    kept = [kind.value for kind in BY_CHOICE if kind != "master_back"]
    page.post(f"{PAGE}preferences/", {"mail": kept, "channels": []})
    row = NotificationSettings.objects.get(user=user)
    assert (row.mail_off, len(row.channels_off)) == (["master_back"], len(BY_CHOICE))


def test_a_channel_is_added_tried_switched_off_and_removed(page, site):
    url = f"http://bot.example.org:{site.port}/very-own-path"
    added = page.post(f"{PAGE}channels/", {"kind": "webhook", "label": "My bot", "url": url, "topic": ""})
    assert "shown again" in text_of(added) and added["Cache-Control"] == "no-store"
    channel = NotificationChannel.objects.get()
    address = f"{PAGE}channels/{channel.public_id}"
    page.post(f"{address}/test/")
    assert [path for path, _headers, _body in site.got] == ["/very-own-path"]
    page.post(f"{address}/switch/")
    shown = text_of(page.get(PAGE))
    assert "Switched off" in shown and "very-own-path" not in shown and "shown again" not in shown
    page.post(f"{address}/remove/")
    assert not NotificationChannel.objects.exists()


def test_a_wrong_field_is_told_and_nothing_is_added(page):
    wrong = {"kind": "telegram", "label": "x", "bot_token": "1", "chat_id": "1"}
    assert "bot_token" in text_of(page.post(f"{PAGE}channels/", wrong, follow=True))
    assert not NotificationChannel.objects.exists()


def test_channels_of_others_cannot_be_touched(page, stranger):
    foreign = NotificationChannel.objects.create(
        user=stranger, kind="webhook", label="x", sealed="x", hint="x", created_at="2026-01-01T00:00Z"
    )
    for act in ("test", "switch", "remove"):
        assert page.post(f"{PAGE}channels/{foreign.public_id}/{act}/").status_code == 404
    assert NotificationChannel.objects.get().status == "active"


def test_strangers_are_led_to_the_log_in(client):
    assert client.get(PAGE).status_code == 302
    assert client.post(f"{PAGE}channels/").status_code == 302


@pytest.mark.parametrize("is_staff", [True, False])
def test_what_staff_are_told_for_their_work_is_listed_to_staff_alone(is_staff, page, user):
    User.objects.filter(pk=user.pk).update(is_staff=is_staff)
    assert ("Head of the audit record" in page.get(PAGE).context["always"]) is is_staff


# --- The same by the API ---


def test_preferences_are_read_and_replaced(api):
    nothing = {"mail_off": [], "channels_off": [], "always": sorted(kind.value for kind in ALWAYS)}
    assert api.get(PREFERENCES).json() == nothing
    wanted = {"mail_off": ["master_back"], "channels_off": ["copies_refused"]}
    assert api.put(PREFERENCES, wanted).json() == nothing | wanted
    assert api.get(PREFERENCES).json() == nothing | wanted


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"mail_off": ["new_device"], "channels_off": []}, "invalid_choice"),
        ({"mail_off": ["nothing"], "channels_off": []}, "invalid_choice"),
        ({"mail_off": "master_back", "channels_off": []}, "not_a_list"),
        ({"mail_off": []}, "required"),
        ({"mail_off": [], "channels_off": [], "inbox_off": []}, "unknown_field"),
    ],
)
def test_what_cannot_be_switched_off_is_refused(api, wanted, code):
    answer = api.put(PREFERENCES, wanted)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, code)
