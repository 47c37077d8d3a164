"""Who uses the platform in `make load`: the demo's people, with tokens and with what each may look at."""

from __future__ import annotations

import statistics
import time
from typing import Any

from accounts import token_store
from accounts.models import User
from benchmarks.report import Figures
from compliance.audit import SYSTEM
from copytrade.demo import MASTERS, PASSWORD, follower_email
from execution.models import CopyOrder
from strategies.models import Strategy
from subscriptions.models import Subscription

# Each may ask 600 times a minute: more people share one client of ours.
TOKENS_EACH = 12
# About 1,000 USDT of a master's 50,000.
AMOUNTS = {"BTC/USDT": "0.02", "ETH/USDT": "0.3", "BNB/USDT": "1.5"}
SETTLING_SECONDS = 30.0
PAGES = (
    "/",
    "/strategies/",
    "/dashboard/",
    "/orders/",
    "/positions/",
    "/trades/",
    "/risk/",
    "/notifications/",
)
API = ("strategies", "orders", "trades", "positions", "subscriptions", "notifications", "me", "risk/limits")


def people(count: int) -> list[dict[str, Any]]:
    """The first followers of the demo."""
    return [_person(follower_email(number)) for number in range(count)]


def masters() -> list[dict[str, Any]]:
    return [_master(Strategy.objects.select_related("owner").get(name=master.strategy)) for master in MASTERS]


def copies() -> Figures:
    """What became of the masters' signals, once there was time to finish it."""
    deadline = time.monotonic() + SETTLING_SECONDS
    while CopyOrder.objects.live().exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    orders = CopyOrder.objects.filter(subscription__isnull=False)
    filled = orders.filter(status="filled").values_list("created_at", "finished_at")
    took = [(end - begin).total_seconds() * 1000 for begin, end in filled if end is not None]
    parts = statistics.quantiles(took, n=100, method="inclusive") if len(took) > 1 else [0.0] * 99
    return {
        "orders": float(orders.count()),
        "orders_filled": float(len(took)),
        "orders_unfinished": float(orders.live().count()),
        "order_p50_ms": parts[49],
        "order_p95_ms": parts[94],
    }


def _person(email: str) -> dict[str, Any]:
    user = User.objects.get(email=email)
    mine = Subscription.objects.filter(follower=user).values_list("public_id", flat=True)
    strategies = Strategy.objects.values_list("slug", "public_id")
    return {
        "email": email,
        "password": PASSWORD,
        "tokens": [_token(user, ["read"]) for _ in range(TOKENS_EACH)],
        "paths": {
            "page": [
                *PAGES,
                *(f"/strategies/{slug}/" for slug, _public_id in strategies),
                *(f"/subscriptions/{public_id}/" for public_id in mine),
            ],
            "api": [
                *(f"/api/v1/{name}/" for name in API),
                *(f"/api/v1/strategies/{public_id}/performance/" for _slug, public_id in strategies),
            ],
            "export": [f"/api/v1/trades/export?format={form}" for form in ("csv", "json")],
        },
    }


def _master(strategy: Strategy) -> dict[str, Any]:
    symbol = next(symbol for symbol in strategy.symbols if symbol in AMOUNTS)
    return {
        "token": _token(strategy.owner, ["trade"]),
        "path": f"/api/v1/strategies/{strategy.public_id}/signals/",
        "symbol": symbol,
        "amount": AMOUNTS[symbol],
    }


def _token(user: User, scopes: list[str]) -> str:
    issued = token_store.issue_token(user=user, name="load", scopes=scopes, expires_at=None, origin=SYSTEM)
    return issued.text
