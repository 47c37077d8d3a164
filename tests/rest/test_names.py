"""Names that people give: nothing unseen gets in, and what looks like HTML comes out as text."""

from typing import Any

import pytest

from compliance.audit import SYSTEM
from strategies.invites.services import create_invite
from strategies.models import Strategy
from subscriptions.models import Subscription
from tests import factories
from wallets.models import ExchangeAccount, WalletAddress

HTML = "<img src=x onerror=alert(1)>"
UNSEEN = ["a\u202eb", "a\u2066b", "a\u200bb", "a\ufeffb", "a\u0007b"]
NAMES = [
    *(("post", "/api/v1/strategies/", field) for field in ("name", "description", "tags")),
    *(("patch", "/api/v1/strategies/{strategy}/", field) for field in ("name", "description", "tags")),
    ("post", "/api/v1/strategies/{strategy}/invites/", "group"),
    ("post", "/api/v1/strategies/{strategy}/groups/changes/", "group"),
    ("post", "/api/v1/wallets/addresses/", "label"),
    ("patch", "/api/v1/wallets/addresses/{address}/", "label"),
    ("post", "/api/v1/wallets/exchange-accounts/", "label"),
    ("patch", "/api/v1/wallets/exchange-accounts/{account}/", "label"),
]


@pytest.fixture
def rows(user):
    """One thing of each kind of the user's, all called like HTML."""
    account = factories.ExchangeAccountFactory.create(owner=user, label=HTML)
    strategy = factories.StrategyFactory.create(
        owner=user, exchange_account=account, name=HTML, slug="mean", description=HTML, tags=[HTML]
    )
    Strategy.objects.filter(pk=strategy.pk).update(visibility="private")
    strategy.refresh_from_db()
    made = create_invite(strategy=strategy, group=HTML, origin=SYSTEM, now=strategy.created_at)
    copy = factories.SubscriptionFactory.create(follower=user, strategy=strategy, invite=made.invite)
    address = WalletAddress.objects.create(
        owner=user,
        exchange="binance",
        network="bitcoin",
        address="1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        label=HTML,
        direction="deposit",
        status="active",
        usable_from=strategy.created_at,
    )
    return {"account": account, "strategy": strategy, "copy": copy, "address": address}


def names() -> list[Any]:
    models = (Strategy, ExchangeAccount, WalletAddress, Subscription)
    return [list(model.objects.order_by("pk").values()) for model in models]


@pytest.mark.parametrize(("method", "address", "field"), NAMES)
def test_what_nobody_sees_is_refused_in_every_name(api, rows, method, address, field):
    address = address.format(**{name: row.public_id for name, row in rows.items()})
    before = names()
    for text in UNSEEN:
        body: dict[str, Any] = {field: [text] if field == "tags" else text}
        if "exchange-accounts" in address and method == "post":
            body["exchange"] = "paper"
        answer = getattr(api, method)(address, body)
        assert answer.status_code == 400, (text, answer.content)
        told = {error["attr"]: error["code"] for error in answer.json()["errors"]}
        assert told["tags.0" if field == "tags" else field] == "invalid_characters", text
    assert names() == before


def test_what_looks_like_html_is_text_on_every_page(client, user, rows):
    Strategy.objects.update(visibility="public")
    user.display_name = HTML
    user.save()
    client.force_login(user)
    strategy = "/strategies/mean/"
    studio = "/studio/strategies/mean/"
    for address in (
        *("/strategies/", "/strategies/?view=table", strategy, "/dashboard/", "/subscriptions/change/"),
        *("/studio/", studio, f"{studio}invites/", f"{studio}signal/", f"{studio}webhooks/"),
        *("/wallets/accounts/", "/wallets/addresses/", f"/subscriptions/{rows['copy'].public_id}/"),
        *("/risk/", "/orders/", "/trades/", "/bills/", "/notifications/"),
    ):
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert "<img src=x" not in answer.content.decode(), address
