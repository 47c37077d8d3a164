"""A master's secret addresses: made, listed, revoked; their secrets are kept nowhere."""

import re

import pytest
from django.db import connection
from django.test import Client

from compliance.models import AuditRecord
from strategies import webhooks
from strategies.models import Webhook
from tests import factories

FORM = re.compile(r"http://testserver/hooks/(cth_[0-9A-Za-z]{32})")


@pytest.fixture
def strategy(user):
    return factories.StrategyFactory.create(owner=user)


@pytest.fixture
def url(strategy):
    return f"/api/v1/strategies/{strategy.public_id}/webhooks/"


def created(api, url):
    answer = api.post(url)
    assert answer.status_code == 201, answer.content
    return answer.json()


def secret_of(answer):
    match = FORM.fullmatch(answer["url"])
    assert match
    return match[1]


def error_of(response, status=400):
    assert response.status_code == status, response.content
    (error,) = response.json()["errors"]
    return error["code"], error["attr"]


def test_the_address_is_told_once_and_kept_by_nobody(api, url):
    answer = api.post(url)
    assert answer["Cache-Control"] == "no-store"
    secret = secret_of(answer.json())
    row = Webhook.objects.get(public_id=answer.json()["id"])
    assert secret not in repr(vars(row))
    assert row.prefix == answer.json()["prefix"] == secret[:10]
    listed = api.get(url)
    assert secret not in listed.content.decode()
    assert row.digest not in listed.content.decode()
    (shown,) = listed.json()["results"]
    assert shown.keys() == {"id", "prefix", "created_at", "last_used_at", "revoked_at"}
    assert (shown["id"], shown["prefix"]) == (answer.json()["id"], secret[:10])
    assert shown["last_used_at"] is None
    assert shown["revoked_at"] is None


def test_the_digest_in_the_database_does_not_open_the_address(api, url):
    secret = secret_of(created(api, url))
    row = Webhook.objects.get()
    found = webhooks.find_usable(secret)
    assert found is not None and found.pk == row.pk
    for text in (row.digest, row.prefix, secret[:-1], secret + "0", secret.lower(), "", f"{secret}/"):
        assert webhooks.find_usable(text) is None, text


def test_no_two_addresses_are_alike(api, url):
    assert len({secret_of(created(api, url)) for _ in range(5)}) == 5
    assert len({row["id"] for row in api.get(url).json()["results"]}) == 5


def test_what_is_revoked_stays_listed_and_revoking_again_changes_nothing(api, url):
    answer = created(api, url)
    secret, one = secret_of(answer), f"{url}{answer['id']}/"
    assert api.delete(one).status_code == 204
    revoked_at = Webhook.objects.get().revoked_at
    assert revoked_at is not None
    assert api.delete(one).status_code == 204
    assert Webhook.objects.get().revoked_at == revoked_at
    assert webhooks.find_usable(secret) is None
    (shown,) = api.get(url).json()["results"]
    assert shown["revoked_at"] is not None
    assert AuditRecord.objects.filter(action="webhook.revoke").count() == 1


def test_making_and_revoking_are_on_record_without_the_secret(api, url, user, strategy):
    answer = created(api, url)
    api.delete(f"{url}{answer['id']}/")
    made, revoked = AuditRecord.objects.filter(action__startswith="webhook.").order_by("pk")
    assert (made.action, revoked.action) == ("webhook.create", "webhook.revoke")
    assert made.object == revoked.object == answer["id"]
    assert made.actor == revoked.actor == str(user.public_id)
    assert made.detail == {"strategy": str(strategy.public_id), "prefix": answer["prefix"]}
    assert made.token_id is not None
    assert secret_of(answer) not in repr([vars(row) for row in AuditRecord.objects.all()])


def test_only_the_master_sees_makes_and_revokes_them(api, api_of, stranger, url):
    answer = created(api, url)
    other = api_of(stranger)
    assert other.get(url).status_code == 404
    assert other.post(url).status_code == 404
    assert other.delete(f"{url}{answer['id']}/").status_code == 404
    elsewhere = factories.StrategyFactory.create(owner=stranger)
    assert (
        other.delete(f"/api/v1/strategies/{elsewhere.public_id}/webhooks/{answer['id']}/").status_code == 404
    )
    assert Webhook.objects.get().revoked_at is None
    assert Client().get(url).status_code == Client().post(url).status_code == 401


def test_an_address_that_trades_needs_the_scope_to_trade(api_of, user, url):
    assert error_of(api_of(user, "read", "strategies").post(url), 403)[0] == "insufficient_scope"
    answer = created(api_of(user, "trade"), url)
    assert error_of(api_of(user, "read").delete(f"{url}{answer['id']}/"), 403)[0] == "insufficient_scope"
    assert api_of(user, "read").get(url).status_code == 200


def test_making_one_needs_a_nonce_and_takes_no_fields(api, url):
    assert error_of(api.post(url, HTTP_X_NONCE=""))[0] == "nonce_invalid"
    assert error_of(api.post(url, {"secret": "mine"})) == ("unknown_field", "secret")
    assert not Webhook.objects.exists()


def test_a_strategy_has_at_most_twenty_that_work(api, url, monkeypatch):
    monkeypatch.setattr(webhooks, "MOST_PER_STRATEGY", 2)
    first = created(api, url)
    created(api, url)
    assert error_of(api.post(url), 409)[0] == "too_many_webhooks"
    api.delete(f"{url}{first['id']}/")
    created(api, url)


def test_a_draft_may_have_one_and_a_closed_strategy_gets_none(api, url, strategy):
    strategy.status = "draft"
    strategy.save()
    created(api, url)
    strategy.status = "closed"
    strategy.save()
    assert error_of(api.post(url), 409)[0] == "strategy_closed"


def test_a_draft_that_is_deleted_takes_its_addresses_along(api, url, strategy):
    strategy.status = "draft"
    strategy.save()
    secret = secret_of(created(api, url))
    assert api.delete(f"/api/v1/strategies/{strategy.public_id}/").status_code == 204
    assert webhooks.find_usable(secret) is None


def test_the_secret_stands_in_no_table(api, url):
    secret = secret_of(created(api, url))
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', [f"%{secret}%"])  # noqa: S608
            assert cursor.fetchone() == (0,), table


def test_whatever_is_created_shows_no_secret_in_its_repr(user, strategy):
    from django.utils import timezone

    from compliance.audit import SYSTEM

    made = webhooks.create_webhook(strategy=strategy, origin=SYSTEM, now=timezone.now())
    assert made.secret not in repr(made)
    assert made.secret not in str(made.webhook)
