"""A long history in the books: one person's copies, and so many trades of them with orders and postings."""

# ruff: noqa: S608 - statements of this file

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.db import connection
from django.utils import timezone

from accounts.models import User
from benchmarks.orders import SYMBOL
from strategies.models import Strategy
from subscriptions.models import Subscription
from wallets.models import ExchangeAccount

COPIES = 100
PER_STATEMENT = 100_000
ALLOCATION = Decimal(1_000_000)

# A buy of 0.001 BTC and a fee, each second, by one copy after the other: the master's signals, one for each
# round of the copies.
OWNER = "%(first)s::bigint + n %% %(copies)s"
ACCOUNT = "%(account)s::bigint + n %% %(copies)s"
AT = "now() - (%(most)s - n) * interval '1 second'"
ORDER_ID = "'c' || lpad(n::text, 17, '0')"
FACTS = "'BTC/USDT', 'buy'"
SIGNAL = "(SELECT id FROM strategies_signal WHERE strategy_id = %(strategy)s AND number = n / %(copies)s + 1)"
SEED = (
    f"""
INSERT INTO strategies_signal (public_id, strategy_id, number, symbol, side, amount, price, venue_order_id,
    at, detected_at, created_at, source, status, client_signal_id, requested_type, reason_code, reason_text,
    fan_out_is_planned, fanned_out_at)
SELECT gen_random_uuid(), %(strategy)s, number, {FACTS}, 0.001, 100000, 's' || number, at, at, at, 'watched',
    'done', '', '', '', '', true, at
FROM (SELECT DISTINCT ON (number) n / %(copies)s + 1 AS number, {AT} AS at
    FROM generate_series(%(from)s::bigint, %(upto)s::bigint) n ORDER BY number, n) told
ON CONFLICT DO NOTHING""",
    f"""
INSERT INTO execution_copyorder (public_id, origin, origin_number, signal_id, subscription_id, strategy_id,
    exchange_account_id, part, client_order_id, kind, symbol, side, type, status, reason_code, reason_text,
    target_change, target_applied, requested_amount, price, reserved, filled_amount, filled_cost,
    venue_order_id, sizing, attempt, due_at, not_found_count, claimed_at, claimed_by, created_at, updated_at)
SELECT gen_random_uuid(), 'signal', n, {SIGNAL}, {OWNER}, %(strategy)s, {ACCOUNT}, 1, {ORDER_ID}, 'entry',
    {FACTS}, 'limit_ioc', 'filled', '', '', 0.001, true, 0.001, 100300, 0, 0.001, 100, 'v' || n, '[]', 1,
    {AT}, 0, {AT}, '', {AT}, {AT}
FROM generate_series(%(from)s::bigint, %(upto)s::bigint) n""",
    f"""
WITH fills AS (
    INSERT INTO ledger_fill (exchange_account_id, symbol, venue_order_id, trade_id, client_order_id, side,
        price, quantity, fee, fee_asset, at, recorded_at)
    SELECT {ACCOUNT}, 'BTC/USDT', 'v' || n, n::text, {ORDER_ID}, 'buy', 100000 + n %% 1000, 0.001, 0.1,
        'USDT', {AT}, {AT}
    FROM generate_series(%(from)s::bigint, %(upto)s::bigint) n RETURNING *
), trades AS (
    INSERT INTO ledger_trade (public_id, fill_id, strategy_id, subscription_id, exchange_account_id, at,
        symbol, side, price, quantity, cost, fee, fee_asset, fee_in_quote, realised_pnl, signal_at,
        master_price, input_hash, created_at)
    SELECT gen_random_uuid(), id, %(strategy)s, %(first)s + trade_id::bigint %% %(copies)s,
        exchange_account_id, at, symbol, side, price, quantity, price * quantity, fee, fee_asset, fee, 0, at,
        price, repeat('0', 64), at
    FROM fills ORDER BY id RETURNING *
)
INSERT INTO ledger_posting (trade_id, source, destination, amount, asset)
SELECT id, 'subscription:' || subscription_id || move.source, move.destination, move.amount, 'USDT'
FROM trades CROSS JOIN LATERAL (VALUES (':cash', 'venue:paper', cost), (':cash', 'venue:paper:fees', fee))
    AS move(source, destination, amount)""",
)


@dataclass
class History:
    """`reader_id` owns every copy of it."""

    reader_id: int
    strategy: Strategy
    first_subscription: int
    first_account: int
    trades: int = 0

    def grow(self, upto: int, *, most: int) -> None:
        """Until there are so many trades; then as after a while, with statistics that are true."""
        while self.trades < upto:
            end = min(self.trades + PER_STATEMENT, upto)
            values = {
                "from": self.trades + 1,
                "upto": end,
                "most": most,
                "first": self.first_subscription,
                "account": self.first_account,
                "copies": COPIES,
                "strategy": self.strategy.pk,
            }
            with connection.cursor() as cursor:
                for statement in SEED:
                    cursor.execute(statement, values)
            self.trades = end
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def begin() -> History:
    mark = str(time.time_ns())
    master, reader = (
        User.objects.create(email=f"{who}-{mark}@example.org", password="!") for who in ("m", "r")
    )
    strategy = Strategy.objects.create(
        owner=master,
        exchange_account=accounts(master, 1, f"m{mark}")[0],
        name="Many trades",
        slug=f"many-trades-{mark}",
        symbols=[SYMBOL],
        quote="USDT",
        status=Strategy.Status.PUBLISHED,
        published_at=timezone.now() - timedelta(days=365),
    )
    copies = follow(strategy, accounts(reader, COPIES, mark))
    return History(reader.pk, strategy, copies[0].pk, copies[0].exchange_account_id)


def accounts(owner: User, count: int, mark: str) -> list[ExchangeAccount]:
    """With keys that follow each other."""
    return ExchangeAccount.objects.bulk_create(
        ExchangeAccount(owner=owner, exchange="paper", label="Many", venue_account_id=f"{mark}-{number}")
        for number in range(count)
    )


def follow(strategy: Strategy, by: list[ExchangeAccount]) -> list[Subscription]:
    return Subscription.objects.bulk_create(
        Subscription(
            follower_id=account.owner_id,
            strategy=strategy,
            exchange_account=account,
            allocation=ALLOCATION,
            cash=ALLOCATION,
            sizing_mode=Subscription.SizingMode.PROPORTIONAL,
            sizing_value=Decimal(1),
            starts_after_number=0,
        )
        for account in by
    )
