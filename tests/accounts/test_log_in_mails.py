"""Mails about a person's own log-in: our words, when, from where, what it did, what to do about it."""

from __future__ import annotations

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import allauth
import pytest
from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from django.test import Client
from django.utils import timezone

from accounts import consequences, log_in_mails, telling
from accounts.models import Notification
from accounts.notifications import letters, mailing
from accounts.notifications.kinds import NotificationKind
from local.ports import free_port
from tests.factories import PASSWORD
from tests.mails import a_strange_request, assert_same, both, links, log_in_changed

NOW = timezone.now()


@pytest.mark.parametrize("change", telling.LOG_IN_CHANGES)
def test_a_change_of_the_log_in_tells_when_from_where_and_what_it_did_to_sessions_and_tokens(
    change, user, mailoutbox
):
    user.time_zone = "Asia/Tokyo"
    user.save()
    log_in_changed(user, change)
    at = Notification.objects.get(user=user).created_at
    mailing.send_due(now=timezone.now())
    (mail,) = mailoutbox
    ends = any(word in change for word in ("password", "deactivated", "removed"))
    follows = telling.ENDED if ends else telling.GO_ON
    in_tokyo = at.astimezone(ZoneInfo("Asia/Tokyo"))
    when = f"{in_tokyo:%Y-%m-%d %H:%M} JST (Asia/Tokyo), {at:%Y-%m-%d %H:%M} UTC"
    for said in both(mail):
        for words in (str(follows), "From: 203.0.113.7", "Program: <b>x</b>", when, "If this was not you"):
            assert words in said
    assert "\u202e" not in mail.body + mail.alternatives[0][0] and "<b>" not in mail.alternatives[0][0]


def test_what_a_changed_log_in_is_said_to_do_is_what_it_does():
    """The sentence ENDED stands for a row of the table; GO_ON for none."""
    events = {
        NotificationKind.PASSWORD_CHANGED: consequences.Event.PASSWORD_CHANGE,
        NotificationKind.FACTOR_CHANGED: consequences.Event.MFA_RESET,
    }
    said = {
        kind
        for kind, _title, _happened, follows in telling.LOG_IN_CHANGES.values()
        if follows is telling.ENDED
    }
    assert said == set(events) and set(events.values()) <= consequences.ENDS_LOG_INS


def test_without_a_mail_server_a_new_password_still_ends_sessions_and_tokens(user, api_of, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    api, browser = api_of(user), Client()
    browser.force_login(user)
    new = {"oldpassword": PASSWORD, "password1": f"{PASSWORD}-2", "password2": f"{PASSWORD}-2"}
    assert browser.post("/accounts/password/change/", new).status_code == 302
    assert api.get("/api/v1/me/").status_code == 401
    assert Notification.objects.get(kind=NotificationKind.PASSWORD_CHANGED).mail == Notification.Mail.DUE


# --- What goes to one address and into no inbox ---

ADDRESSES = {
    name: f"http://testserver/{name}/" for name in ("activate_url", "password_reset_url", "signup_url")
}


def mail_of_the_log_in(prefix, to, mailoutbox, **facts):
    with a_strange_request():
        get_adapter().send_mail(prefix, to, {**facts, **ADDRESSES})
    return mailoutbox[-1]


@pytest.mark.parametrize("prefix", log_in_mails.MAILS)
def test_mails_of_the_log_in_are_in_our_words_with_one_button_and_what_to_do(prefix, user, mailoutbox):
    user.time_zone = "Asia/Tokyo"
    user.save()
    names = {name: f"<i>{name}</i>@example.com" for name in ("from_email", "to_email", "deleted_email")}
    mail = mail_of_the_log_in(prefix, user.email, mailoutbox, **names)
    text, html = both(mail)
    assert_same(text, html)
    for words in ("(Asia/Tokyo), ", " UTC", "From: 203.0.113.7", "Program: <b>x</b>", "If this was not you"):
        assert words in text
    assert "\n" not in mail.subject and mail.subject in text
    (link,) = links(text)
    assert set(re.findall(r'href="([^"]+)"', mail.alternatives[0][0])) == {link}
    assert not re.search(r"%\(|{{|{%|None|<i>|\u202e", mail.alternatives[0][0])


def test_every_mail_that_the_library_sends_as_we_use_it_has_words_of_ours():
    library = Path(allauth.__file__).parent
    sources = [file.read_text() for app in ("account", "mfa") for file in (library / app).rglob("*.py")]
    named = {found for text in sources for found in re.findall(r'"((?:account|mfa)/email/\w+)"', text)}
    not_used = {"account/email/login_code", "account/email/password_reset_code", "account/email/password_set"}
    assert named - not_used == {*log_in_mails.MAILS, *telling.LOG_IN_CHANGES}
    assert not (app_settings.LOGIN_BY_CODE_ENABLED or app_settings.PASSWORD_RESET_BY_CODE_ENABLED)


def test_an_address_that_nobody_has_is_answered_in_utc(db, mailoutbox):
    mail = mail_of_the_log_in("account/email/unknown_account", "nobody@example.org", mailoutbox)
    assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d UTC$", mail.body, re.MULTILINE)


def test_what_hides_or_turns_the_direction_is_shown_as_such_in_each_part_of_a_mail():
    evil = "Calm\u202e\u200b <b>swing</b>\r\nBcc: x@example.org"
    said = letters.Said(title=evil, text=evil, after=evil, at=NOW)
    mail = letters.Letter(
        to="a@example.org", said=[said], link="https://x.example/", button="Open", why=evil
    ).mail()
    text, html = str(mail.body), str(mail.alternatives[0][0])
    assert mail.subject == "Calm\ufffd\ufffd <b>swing</b>\ufffd Bcc: x@example.org"
    assert not re.search(r"[\u202e\u200b\r]", text + html)
    assert "<b>" not in html and html.count("&lt;b&gt;swing&lt;/b&gt;") == 5
