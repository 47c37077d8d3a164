from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from accounts.services import create_user
from risk.models import PlatformSwitch, RiskLimits
from tests import factories
from tests.pages.market import text_of

PUBLIC = ["/", "/strategies/", "/definitions/", "/credits/", "/accounts/login/", "/accounts/signup/"]
OWN = [
    "/dashboard/",
    "/orders/",
    "/positions/",
    "/trades/",
    "/accounts/email/",
    "/accounts/2fa/",
    "/accounts/sessions/",
]


@pytest.mark.parametrize("address", [*PUBLIC, "/accounts/password/reset/"])
def test_a_public_page_is_whole_and_strict(address, client, db):
    answer = client.get(address)
    assert answer.status_code == 200
    assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
    shown = text_of(answer)
    assert shown.count("<h1") == 1
    assert 'href="#content"' in shown
    assert " style=" not in shown


@pytest.mark.parametrize("address", OWN)
def test_ones_own_pages_have_one_heading_and_mark_where_one_is(address, page):
    shown = text_of(page.get(address))
    assert shown.count("<h1") == 1
    assert 'aria-current="page"' in shown


def test_a_phone_shows_few_places_and_the_rest_under_more(page):
    answer = page.get("/dashboard/")
    on_phone = [item.short for item in answer.context["navigation"] if item.on_phone]
    assert on_phone == ["Home", "Strategies", "Orders", "Risk"]
    bar = text_of(answer).partition('class="bottombar"')[2].partition("</nav>")[0]
    assert bar.count('aria-current="page"') == 1
    assert bar.index("More") < bar.index('href="/trades/"')


@pytest.mark.parametrize(
    ("theme", "kept"), [("light", "light"), ("dark", "dark"), ("system", ""), ("pink", "")]
)
def test_the_theme_is_kept_in_a_cookie_and_rendered_by_the_server(theme, kept, client, db):
    answer = client.post("/theme/", {"theme": theme, "next": "/strategies/"})
    assert answer.headers["Location"] == "/strategies/"
    shown = text_of(client.get("/strategies/"))
    assert (f'<html lang="en" data-bs-theme="{kept}">' if kept else '<html lang="en">') in shown


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_the_theme_switch_leads_nowhere_else(back, client, db):
    assert client.post("/theme/", {"theme": "dark", "next": back}).headers["Location"] == "/"


def test_a_person_logs_in_and_lands_on_the_dashboard(client, user):
    answer = client.post(
        "/accounts/login/", {"login": user.email, "password": factories.PASSWORD}, follow=True
    )
    assert answer.redirect_chain[-1][0] == "/dashboard/"


def test_a_wrong_password_says_nothing_about_who_exists(client, user):
    answers = [
        client.post("/accounts/login/", {"login": address, "password": "wrong wrong wrong"})
        for address in (user.email, "nobody@example.org")
    ]
    known, unknown = ([str(e) for e in answer.context["form"].non_field_errors()] for answer in answers)
    assert known == unknown != []


@pytest.mark.parametrize(
    ("mail_server", "told"),
    [("smtp://mail.example.org", "Look into your mail"), ("", "the message is in the web process's log")],
)
def test_after_signing_up_one_is_told_where_the_message_is(mail_server, told, client, db, settings):
    settings.EMAIL_URL = mail_server
    shown = text_of(client.get("/accounts/confirm-email/"))
    assert told in shown
    assert ("Look into your mail" in shown) == bool(mail_server)


def test_a_missing_page_offers_a_search(client, db):
    answer = client.get("/no/such/page/")
    assert answer.status_code == 404
    assert "There is nothing here" in text_of(answer)


def test_what_cannot_be_understood_is_told_in_words(client, db):
    too_many = {f"field{number}": "x" for number in range(1001)}
    answer = client.post("/theme/", too_many)
    assert answer.status_code == 400
    assert "Nothing was done" in text_of(answer)


def test_too_many_tries_are_told_with_how_long_to_wait(client, db, settings):
    settings.ACCOUNT_RATE_LIMITS = {"reset_password": "1/5m/ip"}
    answers = [client.post("/accounts/password/reset/", {"email": "a@example.org"}) for _n in range(2)]
    assert answers[1].status_code == 429
    assert "Wait five minutes" in text_of(answers[1])
    assert answers[1]["Retry-After"] == "300"


def test_a_form_without_its_token_is_told_in_words(user):
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/theme/", {"theme": "dark"})
    assert answer.status_code == 403
    assert "This form is too old" in text_of(answer)


def test_a_failure_tells_that_copying_goes_on(client, db, monkeypatch):
    def broken(*_args: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("copytrade.pages.landing.with_figures", broken)
    client.raise_request_exception = False
    answer = client.get("/")
    assert answer.status_code == 500
    assert "Copying is not affected by this page" in text_of(answer)


def test_the_names_of_people_are_escaped(client, db):
    owner = create_user(email="x@example.org", password=factories.PASSWORD)
    owner.display_name = "<script>alert(1)</script>"
    owner.save()
    factories.StrategyFactory.create(owner=owner, name="<img src=x>", slug="mean")
    for address in ("/strategies/", "/strategies/mean/", "/strategies/?view=table"):
        shown = client.get(address).content.decode()
        assert "<script>alert" not in shown
        assert "<img src=x>" not in shown


@pytest.mark.parametrize(
    ("switch", "words"),
    [("close_only", "exits are still copied"), ("freeze", "not even exits"), ("off", None)],
)
def test_a_kill_switch_that_is_on_is_told_on_every_page(switch, words, page, user):
    RiskLimits.objects.create(user=user, kill_switch=switch)
    for address in ("/strategies/", "/orders/"):
        shown = text_of(page.get(address))
        assert (words in shown) if words else ("kill switch is on" not in shown)


def test_a_refused_key_that_copies_need_is_told_on_every_page(page, subscription):
    account = subscription.exchange_account
    account.status, account.label = "invalid", "Binance main"
    account.save()
    assert "The exchange refuses the key of Binance main" in text_of(page.get("/orders/"))


def test_what_blocks_copying_leads_to_where_it_is_solved(page, user, subscription):
    RiskLimits.objects.create(user=user, kill_switch="freeze")
    account = subscription.exchange_account
    account.status, account.exchange = "invalid", "binance"
    account.save()
    shown = page.get("/orders/").content.decode()
    assert '<a href="/risk/">Change the kill switch</a>' in shown
    assert f'<a href="/wallets/accounts/{account.public_id}/rotate/">Replace the key</a>' in shown
    account.status = "unreachable"
    account.save()
    shown = page.get("/orders/").content.decode()
    assert "does not answer: copies on it are late or expire." in shown
    assert '<a href="/wallets/accounts/">Check again</a>' in shown


@pytest.mark.parametrize(
    ("place", "words"), [("", "stopped buying everywhere"), ("paper", "at Paper"), ("kraken", None)]
)
def test_what_staff_stopped_is_told_to_those_whom_it_concerns(place, words, page, subscription, stranger):
    PlatformSwitch.objects.create(
        exchange=place, reason="maintenance", set_by=stranger, set_at=timezone.now()
    )
    shown = text_of(page.get("/orders/"))
    assert (words in shown) if words else ("people who run" not in shown)
    assert "maintenance" not in shown


def test_a_stopped_strategy_is_told_to_those_who_copy_it(page, subscription, stranger):
    other = factories.StrategyFactory.create()
    for strategy in (other, subscription.strategy):
        PlatformSwitch.objects.create(strategy=strategy, reason="x", set_by=stranger, set_at=timezone.now())
    shown = text_of(page.get("/orders/"))
    assert f"of {subscription.strategy.name}" in shown
    assert f"of {other.name}" not in shown


def test_a_dead_key_that_nothing_needs_blocks_nothing(page, user):
    factories.ExchangeAccountFactory.create(owner=user, status="invalid")
    assert "refuses the key" not in text_of(page.get("/orders/"))
