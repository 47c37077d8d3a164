"""What tests of the API of subscriptions ask, and how they read the answer."""

from decimal import Decimal

from execution.models import CopyOrder, client_order_id

URL = "/api/v1/subscriptions/"


def error_of(response, status=400):
    assert response.status_code == status, response.content
    (error,) = response.json()["errors"]
    return error["code"], error["attr"]


def order_of(subscription, **changes):
    values = {
        "origin": "signal",
        "origin_number": 1,
        "subscription": subscription,
        "strategy": subscription.strategy,
        "exchange_account": subscription.exchange_account,
        "kind": "entry",
        "symbol": "BTC/USDT",
        "side": "buy",
        "type": "limit_ioc",
        "target_change": Decimal("0.01"),
    } | changes
    name = client_order_id(
        origin=values["origin"],
        origin_number=values["origin_number"],
        owner=subscription.pk,
        symbol=values["symbol"],
        part=1,
    )
    return CopyOrder.objects.create(client_order_id=name, **values)
