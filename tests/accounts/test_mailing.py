"""Mails about what people were told: bundled, claimed before they are sent, nothing lost with a process."""

import re
from datetime import timedelta

import pytest
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.test import Client

from accounts.models import Notification, NotificationSettings
from accounts.notifications import mailing
from accounts.notifications.kinds import NotificationKind
from tests.accounts.test_notifications import NOW, tell

LATER = NOW + timedelta(minutes=10)


def send(at=NOW) -> int:
    return mailing.send_due(now=at)


def states() -> list[str]:
    return list(Notification.objects.order_by("pk").values_list("mail", flat=True))


def test_a_mail_tells_the_fact_in_the_persons_time_with_one_link(user, mailoutbox, settings):
    settings.PUBLIC_URL = "https://copy.example.org"
    user.time_zone = "Europe/Madrid"
    user.save()
    tell(user)
    assert send() == 1
    (mail,) = mailoutbox
    assert (mail.to, mail.subject) == ([user.email], "Fact 1")
    assert "2026-03-01 13:00 CET (Europe/Madrid)" in mail.body
    assert "What happened. What we did. What you can do." in mail.body
    assert re.findall(r"https?://\S+", mail.body) == ["https://copy.example.org/dashboard/"]
    (html, kind) = mail.alternatives[0]
    assert kind == "text/html"
    assert set(re.findall(r"https?://[^\s<\"]+", html)) == {"https://copy.example.org/dashboard/"}
    assert "2026-03-01 13:00 CET" in html


def test_what_others_wrote_stays_text_in_a_mail(user, mailoutbox):
    tell(user, dedupe="<script>alert(1)</script> & more")
    send()
    assert "<script>" not in mailoutbox[0].alternatives[0][0]
    assert "<script>alert(1)</script> & more" in mailoutbox[0].body


def test_a_burst_becomes_one_mail_now_and_one_ten_minutes_later(user, mailoutbox):
    tell(user)
    send()
    for number in (2, 3, 4):
        tell(user, dedupe=str(number))
    assert send(NOW + timedelta(seconds=5)) == 0
    assert send(LATER - timedelta(seconds=1)) == 0
    assert send(LATER) == 1
    assert [mail.subject for mail in mailoutbox] == ["Fact 1", "Fact 2 (and 2 more)"]
    assert states() == ["sent"] * 4


def test_what_is_about_who_may_act_for_the_person_never_waits(user, mailoutbox):
    tell(user)
    send()
    tell(user, dedupe="2", kind=NotificationKind.NEW_DEVICE)
    tell(user, dedupe="3", kind=NotificationKind.TOKEN_CREATED)
    tell(user, dedupe="4")
    assert send(NOW + timedelta(seconds=5)) == 2
    assert [mail.subject for mail in mailoutbox] == ["Fact 1", "Fact 2", "Fact 3"]
    assert "cannot be turned off" in mailoutbox[1].body
    assert "List-Unsubscribe" not in mailoutbox[1].extra_headers


def test_sent_twice_over_nothing_is_sent_twice(user, stranger, mailoutbox):
    tell(user, stranger)
    assert [send(), send(), send(LATER)] == [2, 0, 0]
    assert len(mailoutbox) == 2


class Killed(BaseException):
    """The process ends here."""


def test_a_process_killed_while_sending_delays_a_mail_and_loses_none(user, mailoutbox, monkeypatch):
    def die(self):
        raise Killed

    tell(user)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(EmailMultiAlternatives, "send", die)
        send()
    # Claimed: nobody else sends it meanwhile.
    assert send() == 0
    assert send(LATER) == 1
    assert len(mailoutbox) == 1


def test_a_mail_that_is_refused_over_and_over_is_given_up_and_holds_nobody_up(
    user, stranger, mailoutbox, monkeypatch
):
    real = EmailMultiAlternatives.send

    def refuse(self):
        if self.to == [user.email]:
            raise ConnectionRefusedError
        return real(self)

    monkeypatch.setattr(EmailMultiAlternatives, "send", refuse)
    tell(user, stranger)
    assert send() == 1
    for day in range(1, 10):
        send(NOW + timedelta(days=day))
    assert sorted(states()) == ["failed", "sent"]
    assert Notification.objects.get(user=user).mail_attempts == mailing.MOST_ATTEMPTS


def test_without_a_mail_server_nothing_is_claimed(user, monkeypatch):
    def away(self):
        raise ConnectionRefusedError

    monkeypatch.setattr(EmailBackend, "open", away)
    tell(user)
    assert send() == 0
    assert Notification.objects.get().mail_attempts == 0


def test_who_may_not_log_in_is_not_written_to(user, mailoutbox):
    tell(user)
    user.is_active = False
    user.save()
    assert send() == 0
    assert states() == ["none"]


def test_a_wish_counts_up_to_the_last_moment(user, mailoutbox):
    tell(user)
    NotificationSettings.objects.create(user=user, mail_off=["subscription_paused"])
    assert send() == 0
    assert states() == ["none"]


def test_the_work_list_has_an_index_of_its_own(user):
    tell(user)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        plan = Notification.objects.to_mail(now=NOW).explain()
    assert "notifications_to_mail" in plan


# --- The link that switches mails off ---


def unsubscribe_link(mail) -> str:
    assert mail.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    return str(mail.extra_headers["List-Unsubscribe"]).strip("<>").removeprefix("http://localhost:8000")


def test_one_click_switches_mails_like_it_off_without_a_log_in(user, mailoutbox):
    tell(user)
    send()
    link, program = unsubscribe_link(mailoutbox[0]), Client(enforce_csrf_checks=True)
    assert program.get(link).status_code == 200
    assert not NotificationSettings.objects.get(user=user).mail_off, "looking changes nothing"
    for _ in range(2):
        answer = program.post(link, {"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
    assert NotificationSettings.objects.get(user=user).mail_off == ["subscription_paused"]
    tell(user, dedupe="2")
    tell(user, dedupe="3", kind=NotificationKind.MASTER_LOST)
    assert [send(LATER), [mail.subject for mail in mailoutbox]] == [1, ["Fact 1", "Fact 3"]]


def test_a_link_that_was_changed_does_nothing(user, mailoutbox):
    tell(user)
    send()
    link = unsubscribe_link(mailoutbox[0])
    assert Client().post(link[:-3] + "x/").status_code == 404
    assert Client().get("/notifications/unsubscribe/nothing/").status_code == 404
    assert not NotificationSettings.objects.get(user=user).mail_off
