"""What a test does inside the platform's environment: `python -m tests.flows.inside`, asked line by line.

The platform under test has a database and secrets of its own, so these run in a process that has them.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import django
import requests

django.setup()

from allauth.account.models import EmailAddress  # noqa: E402 - the apps must be ready first
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes  # noqa: E402
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.urls import get_resolver  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import User  # noqa: E402
from copytrade import self_checks  # noqa: E402
from copytrade.demo import Move, free_and_held, trade  # noqa: E402
from exchanges.errors import HeldBack  # noqa: E402
from exchanges.types import Account, Credentials, Side  # noqa: E402
from execution.models import CopyOrder  # noqa: E402
from execution.states import FINAL  # noqa: E402
from ledger.bills.services import settle_due  # noqa: E402
from ledger.models import Position, Trade  # noqa: E402
from risk.models import RiskLimits  # noqa: E402
from strategies.models import PerformanceSnapshot, Signal, Strategy, StrategySymbol  # noqa: E402
from subscriptions.models import Subscription  # noqa: E402
from wallets import vault  # noqa: E402
from wallets.models import ExchangeAccount  # noqa: E402

SYMBOL = "BTC/USDT"
# Of no use to a follower, or the end of the session.
NOT_READ = ("admin/", "accounts/logout", "api/schema", "api/docs", "accounts/2fa", "accounts/password")


def build(
    *,
    name: str,
    followers: int,
    symbol: str = SYMBOL,
    balance: str = "10000",
    allocation: str = "1000",
    master_balance: str = "10000",
) -> dict[str, Any]:
    """A published strategy with so many followers, each with an account at the paper exchange.

    Balances and allocation are in the symbol's quote.
    """
    quote = symbol.partition("/")[2]
    keys = _open(1, {quote: master_balance}) + _open(followers, {quote: balance})
    people = User.objects.bulk_create(
        [User(email=f"{name}-{number}@example.com", password="!") for number in range(followers + 1)]
    )
    accounts = ExchangeAccount.objects.bulk_create(
        [_account(person, key) for person, key in zip(people, keys, strict=True)]
    )
    strategy = Strategy.objects.create(
        owner=people[0],
        exchange_account=accounts[0],
        name=name,
        slug=name,
        symbols=[symbol],
        quote=quote,
        status=Strategy.Status.PUBLISHED,
        published_at=timezone.now(),
        # What a slow machine takes longer for must be seen to come right, not to expire.
        max_signal_age_seconds=300,
    )
    StrategySymbol.objects.create(strategy=strategy, exchange_account=accounts[0], symbol=symbol)
    Subscription.objects.bulk_create(
        [
            Subscription(
                follower=person,
                strategy=strategy,
                exchange_account=account,
                allocation=Decimal(allocation),
                cash=Decimal(allocation),
                sizing_mode=Subscription.SizingMode.PROPORTIONAL,
                sizing_value=Decimal(1),
                starts_after_number=0,
            )
            for person, account in zip(people[1:], accounts[1:], strict=True)
        ]
    )
    return {"strategy": strategy.pk, "master": keys[0], "keys": [key["api_key"] for key in keys[1:]]}


def is_watched(*, strategy: int) -> bool:
    return PerformanceSnapshot.objects.filter(strategy_id=strategy).exists()


def master_trades(*, strategy: int, side: str, share: str) -> str:
    """At the exchange itself, as a master does by hand; the amount that was traded."""
    account = Strategy.objects.get(pk=strategy).exchange_account.open()
    free, held = free_and_held(account, (SYMBOL,))
    report = trade(account, Move(SYMBOL, Side(side), Decimal(share)), free_quote=free, held=held)
    assert report is not None
    return str(report.filled)


def signals_not_written(*, strategy: int) -> int:
    """Signals that are committed and whose followers nobody has served yet."""
    return Signal.objects.to_fan_out().filter(strategy_id=strategy).count()


def standing(*, strategy: int, signals: int) -> dict[str, Any]:
    """How far the copies have come. It asks no account at the exchange, whose requests the copies need."""
    orders = CopyOrder.objects.filter(strategy_id=strategy, subscription__isnull=False)
    followers = Subscription.objects.filter(strategy_id=strategy).count()
    accepted = _accepted()
    return {
        "followers": followers,
        "is_final": orders.filter(status__in=FINAL).count() == orders.count() >= followers * signals,
        "statuses": dict(Counter(orders.values_list("status", flat=True))),
        "reasons": dict(Counter(orders.exclude(reason_code="").values_list("reason_code", flat=True))),
        "lost": sorted(
            set(orders.filter(attempt__gt=0).values_list("client_order_id", flat=True)) - set(accepted)
        ),
        "doubled": sorted(
            set(orders.values_list("client_order_id", flat=True)) & {c for c, n in accepted.items() if n > 1}
        ),
        "trades": Trade.objects.filter(strategy_id=strategy, subscription__isnull=False).count(),
        "claimers": sorted(set(orders.values_list("claimed_by", flat=True))),
    }


def positions_that_differ(*, strategy: int) -> list[str]:
    """Sub-positions that are not what the account holds at the exchange."""
    differences = []
    rows = Position.objects.filter(strategy_id=strategy, subscription__isnull=False)
    for row in rows.select_related("subscription__exchange_account"):
        assert row.subscription is not None
        account = row.subscription.exchange_account.open()
        held = _held(account)
        if held.get(SYMBOL, Decimal(0)) != row.held:
            differences.append(f"{row.held} booked, {held.get(SYMBOL)} at the exchange")
    return differences


def plain_addresses() -> list[str]:
    """Every address that names no object."""

    def walk(patterns: Any, before: str) -> Iterator[str]:
        for pattern in patterns:
            path = before + str(pattern.pattern).removeprefix("^").removesuffix("$")
            if hasattr(pattern, "url_patterns"):
                yield from walk(pattern.url_patterns, path)
            elif not set("<(\\") & set(path) and not path.startswith(NOT_READ):
                yield path

    return sorted(set(walk(get_resolver().url_patterns, "")))


def let_log_in(*, strategy: int, password: str) -> str:
    """The strategy's first follower can log in now; returned: with which address."""
    person = Subscription.objects.filter(strategy=strategy).earliest("pk").follower
    person.set_password(password)
    person.save()
    EmailAddress.objects.get_or_create(
        user=person, email=person.email, defaults={"verified": True, "primary": True}
    )
    return person.email


def settle_fees() -> int:
    """What the worker for other work does each hour."""
    return settle_due(now=timezone.now())


def limit_first_follower(*, strategy: int, max_order_notional: str) -> None:
    person = Subscription.objects.filter(strategy=strategy).earliest("pk").follower
    RiskLimits.objects.create(user=person, max_order_notional=Decimal(max_order_notional))


def give_second_factor(*, email: str) -> list[str]:
    """The secret of their app, and their recovery codes."""
    person = User.objects.get(email=email)
    secret: str = generate_totp_secret()
    TOTP.activate(person, secret)
    return [secret, *RecoveryCodes.activate(person).get_unused_codes()]


def secrets_in_use() -> dict[str, str]:
    """The keys and secrets of every account at an exchange."""
    found = {}
    for account in ExchangeAccount.objects.exclude(sealed_credentials=""):
        credentials = account.open().credentials
        found[f"key of {account.pk}"] = credentials.api_key
        found[f"secret of {account.pk}"] = credentials.secret
    return found


def check_itself() -> list[str]:
    """What is done each night."""
    return [check for check in self_checks.CHECKS if self_checks.run(check, now=timezone.now())]


def filled_orders(*, of_strategy: int) -> int:
    return CopyOrder.objects.filter(strategy=of_strategy, status="filled").count()


def _held(account: Account) -> dict[str, Decimal]:
    while True:
        try:
            return free_and_held(account, (SYMBOL,))[1]
        except HeldBack as held_back:  # one balance weighs as much as twenty orders
            time.sleep(held_back.retry_after or 1)


def _accepted() -> Counter[str]:
    """Client order id → how often the exchange accepted it."""
    accepted: Counter[str] = Counter()
    after = 0
    while True:
        url = f"{settings.PAPER_EXCHANGE_URL}/control/audit"
        page = requests.get(url, params={"after": after}, timeout=10).json()
        accepted.update(order["clientOrderId"] for order in page["orders"])
        if page["next"] == after:
            return accepted
        after = page["next"]


def _open(count: int, balances: dict[str, str]) -> list[dict[str, Any]]:
    url = f"{settings.PAPER_EXCHANGE_URL}/paper/accounts"
    body: dict[str, Any] = {"count": count, "balances": balances}
    opened: list[dict[str, Any]] = requests.post(url, json=body, timeout=30).json()
    return opened


def _account(owner: User, key: dict[str, Any]) -> ExchangeAccount:
    account = ExchangeAccount(
        owner=owner,
        exchange="paper",
        label="Paper",
        venue_account_id=str(key["uid"]),
        validated_at=timezone.now(),
    )
    account.sealed_credentials = vault.seal(
        Credentials(key["api_key"], key["secret"]), owner=str(account.public_id)
    )
    return account


def serve(functions: dict[str, Any]) -> None:
    """Each line is `[name, arguments]`, and is answered by `{"result"}` or `{"error"}`.

    Between two of them no connection to the database is kept: an engine may have died meanwhile.
    """
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        name, arguments = json.loads(line)
        try:
            answer = {"result": functions[name](**arguments)}
        except Exception:  # noqa: BLE001 - told to whoever asked
            answer = {"error": traceback.format_exc()}
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    serve(globals())
