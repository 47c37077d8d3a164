"""Every mail that leaves: text and HTML, in one look, without a secret, with a link to its page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from accounts import audit_upkeep, devices, factor_resets, role_requests, token_store
from accounts.kyc import telling as kyc
from accounts.models import FactorReset, KycCase, RoleRequest, User
from accounts.notifications import delivering, mailing
from accounts.notifications.gate import Gate
from accounts.notifications.kinds import NotificationKind
from accounts.notifications.models import ChannelDelivery, Notification, NotificationChannel
from accounts.roles import Role
from accounts.services import create_user
from compliance.audit import SYSTEM, Origin
from execution import notices
from ledger.bills import telling as bills
from ledger.bills.models import Bill
from ledger.models import Adjustment
from ledger.reversals import reverse_trade
from risk import telling as switches
from subscriptions import telling as copies
from subscriptions.models import Subscription
from tests.factories import MADE_UP, PASSWORD
from tests.ledger.fills import book, fill
from tests.mails import assert_same, both, links, log_in_changed
from tests.pages.market import signal_with_copies
from wallets import dead_keys
from wallets import telling as addresses
from wallets.models import WalletAddress

NOW = timezone.now()
KINDS = NotificationKind
issued: list[str] = []


def refused(copy: Subscription) -> None:
    order = signal_with_copies(copy.strategy, [(copy, "denied")])[0]
    assert order.signal_id is not None
    notices.tell_of_refused([order.signal_id])


def billed(copy: Subscription) -> None:
    numbers = {"mark_before": Decimal(0), "mark_after": Decimal(100), "percent": Decimal(10)}
    bill = Bill.objects.create(
        strategy=copy.strategy,
        subscription=copy,
        month=NOW.date(),
        amount=Decimal(10),
        asset="USDT",
        **numbers,
    )
    bills.billed(bill, now=NOW)


def record_ends(copy: Subscription) -> None:
    copy.follower.groups.add(Group.objects.get(name=Role.AUDITOR))
    audit_upkeep.tell_audit_head(now=NOW)


def listed(copy: Subscription) -> None:
    copy.follower.groups.add(Group.objects.get(name=Role.COMPLIANCE))
    User.objects.filter(pk=copy.follower_id).update(is_staff=True)
    kyc.tell_reviewers(hits=2, now=NOW)


def channel_gave_up(copy: Subscription) -> None:
    """Its sixth failure: what it leads to cannot be opened."""
    copies.started(copy, now=NOW)
    told = Notification.objects.latest("pk")
    Notification.objects.filter(pk=told.pk).update(mail="none")
    channel = NotificationChannel.objects.create(
        user=copy.follower, kind="webhook", label="Bot", sealed="lost", hint="bot", created_at=NOW
    )
    attempts = delivering.MOST_ATTEMPTS - 1
    ChannelDelivery.objects.create(channel=channel, notification=told, due_at=NOW, attempts=attempts)
    delivering.deliver_due(now=NOW, way=Gate())


def coins_went(copy: Subscription) -> None:
    one = Adjustment(
        subscription=copy, exchange_account=copy.exchange_account, symbol="BTC/USDT", asset="BTC",
        amount=Decimal("0.5"), cost=Decimal(100), at=NOW, cause=Adjustment.Cause.WITHDRAWAL,
    )  # fmt: skip
    notices.tell_of_coins_gone([one], "they were withdrawn", now=NOW)


def trade_reversed(copy: Subscription) -> None:
    (trade,) = book(copy, [fill("buy", "0.01", "50000", "0.5")])
    reverse_trade(trade_id=trade.public_id, reason="booked twice", origin=SYSTEM, now=NOW)


def key_died(copy: Subscription) -> None:
    dead_keys.keys_refused([copy.exchange_account_id], now=NOW)


def address_of(copy: Subscription) -> WalletAddress:
    return WalletAddress(
        owner=copy.follower, network="bitcoin", address="bc1q", label="Safe", direction="withdrawal",
        status="pending", usable_from=NOW,
    )  # fmt: skip


def kyc_decided(copy: Subscription) -> None:
    KycCase.objects.create(user=copy.follower, reason="All is clear.", decided_at=NOW, is_told=False)
    kyc.tell_applicants(now=NOW)


def role_given(copy: Subscription) -> None:
    one, two = (create_user(email=f"{n}@x.example", password=PASSWORD, role=Role.ADMIN) for n in "ab")
    wanted = RoleRequest.objects.create(
        user=copy.follower, act="give", role="trader", reason="asked", requested_by=one
    )
    role_requests.decide(request_id=wanted.pk, by=two, approve=True, origin=SYSTEM, now=NOW)


def factor_reset(copy: Subscription) -> None:
    one, two = (create_user(email=f"{n}@x.example", password=PASSWORD, role=Role.ADMIN) for n in "ab")
    wanted = FactorReset.objects.create(user=copy.follower, reason="lost", requested_by=one)
    factor_resets.decide(request_id=wanted.pk, by=two, approve=True, origin=SYSTEM, now=NOW)


def token(copy: Subscription, days: int = 90) -> None:
    expires_at = NOW + timedelta(days=days)
    made = token_store.issue_token(
        user=copy.follower, name="bot", scopes=["read"], expires_at=expires_at, origin=SYSTEM
    )
    issued.append(made.text)


def token_ends(copy: Subscription) -> None:
    token(copy, days=3)
    Notification.objects.update(mail="none")
    token_store.tell_of_expiry(now=NOW)


def log_ins(copy: Subscription) -> None:
    for program in ("known/1", "new/2"):
        devices.note_log_in(user=copy.follower, origin=Origin(ip="203.0.113.7", user_agent=program))


TOLD: dict[NotificationKind, tuple[Callable[[Subscription], object], str]] = {
    KINDS.SUBSCRIPTION_STARTED: (lambda copy: copies.started(copy, now=NOW), "/subscriptions/{copy}/"),
    KINDS.SUBSCRIPTION_PAUSED: (
        lambda copy: copies.paused([copy], copies.Why.YOU, now=NOW),
        "/subscriptions/{copy}/",
    ),
    KINDS.SUBSCRIPTION_RESUMED: (lambda copy: copies.resumed(copy, now=NOW), "/subscriptions/{copy}/"),
    KINDS.SUBSCRIPTION_CHANGED: (
        lambda copy: copies.changed(copy, by_master=False, now=NOW),
        "/subscriptions/{copy}/",
    ),
    KINDS.COINS_GONE: (coins_went, "/positions/"),
    KINDS.SUBSCRIPTION_CLOSED: (lambda copy: copies.closed(copy, now=NOW), "/subscriptions/{copy}/"),
    KINDS.STOP_REACHED: (
        lambda copy: notices.tell_of_stop(copy, "stop_loss", Decimal(-50), now=NOW),
        "/subscriptions/{copy}/",
    ),
    KINDS.COPIES_REFUSED: (refused, "/risk/"),
    KINDS.MASTER_LOST: (
        lambda copy: notices.tell_of_silence([copy.strategy], now=NOW),
        "/strategies/{slug}/",
    ),
    KINDS.MASTER_BACK: (lambda copy: notices.tell_of_return([copy.strategy], now=NOW), "/strategies/{slug}/"),
    KINDS.MASTER_MOVED_COINS: (
        lambda copy: notices.tell_of_coins_left(copy.strategy, "BTC/USDT", now=NOW),
        "/strategies/{slug}/",
    ),
    KINDS.MASTER_COINS_BACK: (
        lambda copy: notices.tell_of_coins_back(copy.strategy, "BTC/USDT", now=NOW),
        "/strategies/{slug}/",
    ),
    KINDS.TRADE_REVERSED: (trade_reversed, "/subscriptions/{copy}/statement/"),
    KINDS.PERFORMANCE_FEE: (billed, "/bills/"),
    KINDS.CHANNEL_DISABLED: (channel_gave_up, "/notifications/"),
    KINDS.KEY_INVALID: (key_died, "/wallets/accounts/{account}/rotate/"),
    KINDS.WITHDRAWAL_ADDRESS: (
        lambda copy: addresses.withdrawal_address_added(address_of(copy), origin=SYSTEM, now=NOW),
        "/wallets/addresses/",
    ),
    KINDS.KILL_SWITCH: (
        lambda copy: switches.kill_switch_set(copy.follower, "freeze", origin=SYSTEM, now=NOW),
        "/risk/",
    ),
    KINDS.KYC_DECIDED: (kyc_decided, "/kyc/"),
    KINDS.ROLE_CHANGED: (role_given, "/dashboard/"),
    KINDS.PASSWORD_CHANGED: (
        lambda copy: log_in_changed(copy.follower, "account/email/password_changed"),
        "/accounts/password/reset/",
    ),
    KINDS.FACTOR_CHANGED: (
        lambda copy: log_in_changed(copy.follower, "mfa/email/totp_deactivated"),
        "/settings/security/",
    ),
    KINDS.FACTOR_RESET: (factor_reset, "/accounts/2fa/"),
    KINDS.TOKEN_CREATED: (token, "/settings/tokens/"),
    KINDS.TOKEN_EXPIRES: (token_ends, "/settings/tokens/"),
    KINDS.NEW_DEVICE: (log_ins, "/accounts/sessions/"),
    KINDS.AUDIT_HEAD: (record_ends, "/audit/"),
    KINDS.SANCTIONS_HIT: (listed, "/admin/accounts/kyccase/"),
}


@pytest.mark.parametrize("kind", NotificationKind)
def test_whatever_is_told_comes_as_text_and_html_and_leads_to_its_page(kind, user, subscription, mailoutbox):
    tell, path = TOLD[kind]
    subscription.refresh_from_db()
    tell(subscription)
    mailing.send_due(now=timezone.now())
    (mail,) = [mail for mail in mailoutbox if mail.to == [user.email]]
    told = Notification.objects.get(user=user, kind=kind)
    text, html = both(mail)
    for sentence in (told.title, *told.body.split("\n")):
        assert sentence in text and " ".join(sentence.split()) in html
    (link,) = links(text)
    assert links(mail.alternatives[0][0]) == {link}
    assert urlsplit(link).path == path.format(
        copy=subscription.public_id,
        slug=subscription.strategy.slug,
        account=subscription.exchange_account.public_id,
    )
    browser = Client()
    browser.force_login(user)
    assert browser.get(urlsplit(link).path, follow=True).status_code == 200
    for secret in (*issued, PASSWORD, MADE_UP.api_key, MADE_UP.secret, user.password):
        assert secret not in text and secret not in mail.alternatives[0][0]


# --- What goes to one address and into no inbox ---


def test_a_code_comes_as_text_and_html_with_its_page(subscription, mailoutbox):
    addresses.send_code(address_of(subscription), "123456", minutes=15, now=NOW)
    (mail,) = mailoutbox
    text, html = both(mail)
    assert_same(text, html)
    (link,) = links(text)
    assert urlsplit(link).path == "/wallets/addresses/"


# --- What each day tells once ---


@pytest.mark.parametrize("tell", [record_ends, listed])
def test_a_day_that_begins_twice_tells_staff_once_and_the_next_again(tell, subscription, monkeypatch):
    for _repeated in range(2):
        tell(subscription)
    assert Notification.objects.count() == 1
    monkeypatch.setattr("tests.pages.test_letters.NOW", NOW + timedelta(days=1))
    tell(subscription)
    assert Notification.objects.count() == 2


@pytest.mark.parametrize("tell", [record_ends, listed])
def test_a_mail_about_work_says_that_it_is_work(tell, subscription, mailoutbox):
    tell(subscription)
    mailing.send_due(now=NOW)
    (mail,) = mailoutbox
    assert "part of your work here" in mail.body and "act for you" not in mail.body
