"""The fields that integrators were promised, and the one form of numbers and times in all of them."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from subscriptions.models import Subscription
from tests.ledger.fills import book, fill
from tests.rest.belongings import Belongings
from tests.rest.test_other_peoples_ids import private_folder

__all__ = ["private_folder"]

OFFER = (
    "name description exchange_account symbols risk_level min_capital performance_fee_percent max_followers "
    "tags visibility positions_visible_to status"
)
SIGNAL = "id number symbol side amount price at source status copied skipped denied rejected expired open"
ORDER = (
    "id subscription strategy signal origin part kind symbol side status reason requested_amount "
    "filled_amount average_price slippage_bps latency_ms client_order_id created_at updated_at"
)
LIMITS = (
    "currency max_order_notional max_open_notional max_daily_loss max_slippage_bps max_open_positions "
    "max_orders_per_day symbols_allowed symbols_blocked oversize kill_switch"
)
PROMISED = {
    "me/": "id email roles kyc_status time_zone report_currency",
    "tokens/": "id prefix name scopes created_at last_used_at expires_at revoked_at",
    "kyc/": "status reason documents",
    "wallets/addresses/": "exchange network address memo label direction status usable_from",
    "wallets/exchange-accounts/": "id exchange label key_hint permissions can_withdraw status validated_at "
    "equity",
    "strategies/?own=true": f"{OFFER} roi pnl max_drawdown sharpe win_rate followers followers_median_roi",
    "strategies/{strategies}/": OFFER,
    "strategies/{strategies}/performance/": "roi pnl max_drawdown sharpe sortino win_rate profit_factor "
    "trades followers followers_median_roi assets_copied slippage_bps replication_lag_ms equity_curve",
    "strategies/{strategies}/signals/": SIGNAL,
    "strategies/{strategies}/signals/{signals}/": SIGNAL,
    "subscriptions/": "strategy exchange_account allocation sizing max_slippage_bps stop_loss_percent "
    "take_profit_percent symbols_blocked on_unsubscribe on_master_lost status available equity pnl own "
    "missing_symbols",
    "orders/": ORDER,
    "orders/{orders}/": f"{ORDER} sizing attempts",
    "trades/": "id at strategy subscription exchange_account symbol side price amount cost fee fee_asset "
    "fee_in_quote realised_pnl order venue_trade_id",
    "positions/": "id subscription symbol amount target average_cost realised_pnl unrealised_pnl fees",
    "subscriptions/{subscriptions}/limits/": LIMITS,
    "risk/limits/": LIMITS,
    "risk/breaches/": "id rule subscription order limit value at",
    "notifications/": "id kind title body created_at read_at",
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT")
NUMBER = re.compile(r"[-+]?\d+(\.\d*)?([eE][-+]?\d+)?")
PLAIN = re.compile(r"-?\d+(\.\d*[1-9])?")


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        yield value
        return
    for one in value:
        yield from leaves(one)


@pytest.mark.parametrize("route", PROMISED)
def test_an_answer_has_the_fields_that_were_promised_in_the_one_form(api, user, route):
    own = Belongings(user)
    book(Subscription.objects.get(), [fill("buy", "0.0100", "100000.50", fee="1.10")])
    response = api.get("/api/v1/" + route.format(**own.ids))
    assert response.status_code == 200, response.content
    told = response.json()
    rows = told.get("results", [told])
    assert rows
    for row in rows:
        assert set(PROMISED[route].split()) - set(row) == set()
    for leaf in leaves(rows):
        assert not isinstance(leaf, float)
        if isinstance(leaf, str) and TIME.match(leaf):
            assert leaf.endswith("Z")
        if isinstance(leaf, str) and NUMBER.fullmatch(leaf):
            assert PLAIN.fullmatch(leaf)
