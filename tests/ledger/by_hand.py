"""A strategy's figures worked out from what the API exports, without any of the product's code."""

from __future__ import annotations

import csv
import io
from bisect import bisect_right
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
from django.test import Client

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def exported(api: Any, query: str = "") -> list[dict[str, Any]]:
    """The rows of trades/export, the oldest first, numbers as floats."""
    answer = api.get(f"/api/v1/trades/export?format=csv{query}")
    assert answer.status_code == 200
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))[::-1]
    numbers = ("price", "amount", "cost", "fee", "realised_pnl")
    told: list[dict[str, Any]] = [
        row | {name: float(row[name]) for name in numbers} | {"at": moment(row["at"])} for row in rows
    ]
    for row in told:
        is_in_base = row["fee_asset"] == row["symbol"].partition("/")[0]
        row["coins"] = row["amount"] * (1 if row["side"] == "buy" else -1) - row["fee"] * is_in_base
        row["cash"] = row["cost"] * (-1 if row["side"] == "buy" else 1)
        row["cash"] -= 0 if is_in_base else float(row["fee_in_quote"] or 0)
    return sorted(told, key=lambda row: row["at"])


def listed(client: Client, address: str) -> list[dict[str, Any]]:
    """Every row of a list, over all its pages."""
    rows: list[dict[str, Any]] = []
    while address:
        page = client.get(address).json()
        rows, address = rows + page["results"], page["next"]
    return rows


class Prices:
    """The last price of a coin at any time: kept ones on the hour, and those of the master's own trades."""

    def __init__(self, kept: dict[str, list[dict[str, Any]]], deals: list[dict[str, Any]]) -> None:
        found: dict[str, list[tuple[datetime, int, float]]] = defaultdict(list)
        for symbol, rows in kept.items():
            hours = [(moment(row["at"]), 1, float(row["price"])) for row in rows]
            found[symbol] += [row for row in hours if row[0].minute == 0]
        for deal in deals:
            found[deal["symbol"]].append((deal["at"], 0, deal["price"]))
        self.rows = {symbol: sorted(rows) for symbol, rows in found.items()}

    def at(self, symbol: str, when: datetime) -> float:
        rows = self.rows[symbol]
        return rows[bisect_right(rows, (when, 2, 0.0)) - 1][2]


class Account:
    """The master's account at each hour, fill, flow and beginning of a period."""

    def __init__(
        self,
        *,
        opening: float,
        since: datetime,
        now: datetime,
        deals: list[dict[str, Any]],
        flows: list[dict[str, Any]],
        prices: Prices,
    ) -> None:
        came = [(moment(flow["at"]), float(flow["value"])) for flow in flows if flow["value"] is not None]
        hour = since.replace(minute=0, second=0, microsecond=0)
        hours = [hour + HOUR * n for n in range(1, int((now - hour) / HOUR) + 1)]
        begins = [now - DAY * days for days in (7, 30, 90, 365) if now - DAY * days > since]
        points = {since, now, *hours, *begins, *(deal["at"] for deal in deals), *(at for at, _ in came)}
        self.at = sorted(point for point in points if point <= now)
        self.flows = np.array([sum(value for at, value in came if at <= point) for point in self.at])
        self.coins = np.zeros(len(self.at))
        cash = np.zeros(len(self.at))
        for n, point in enumerate(self.at):
            done = [deal for deal in deals if deal["at"] <= point]
            cash[n] = sum(deal["cash"] for deal in done)
            for symbol in {deal["symbol"] for deal in done}:
                held = sum(deal["coins"] for deal in done if deal["symbol"] == symbol)
                self.coins[n] += held * prices.at(symbol, point)
        self.equity = opening + self.flows + cash + self.coins

    def curve(self, since: datetime) -> dict[int, tuple[float, float]]:
        """By the second: the equity, and what 1 of the beginning had become."""
        at, equity, _flows, _coins, index = self._since(since)
        seconds = [int(moment.timestamp()) for moment in at]
        return dict(zip(seconds, zip(equity, index, strict=True), strict=True))

    def _since(self, since: datetime) -> tuple[list[datetime], Any, Any, Any, Any]:
        part = slice(next(n for n, at in enumerate(self.at) if at >= since), None)
        equity, flows = self.equity[part], self.flows[part]
        index = np.concatenate([[1], np.cumprod((equity[1:] - np.diff(flows)) / equity[:-1])])
        return self.at[part], equity, flows, self.coins[part], index

    def figures(self, since: datetime) -> dict[str, Any]:
        at, equity, flows, coins, index = self._since(since)
        below = 1 - index / np.maximum.accumulate(index)
        low = int(np.argmax(np.round(below, 12)))
        peak = max(n for n in range(low + 1) if index[n] >= index[: low + 1].max() - 1e-12)
        days = _changes(at, index, "%Y-%m-%d")
        seconds = np.array([(after - before).total_seconds() for before, after in pairwise(at)])
        returns = np.array(list(days.values()))
        losses = np.sqrt(np.mean(np.minimum(returns, 0) ** 2))
        return {
            "roi": index[-1] - 1,
            "pnl": equity[-1] - equity[0] - (flows[-1] - flows[0]),
            "max_drawdown": below[low],
            "drawdown_from": at[peak],
            "drawdown_at": at[low],
            "days": len(days),
            "days_in_loss": int(np.sum(returns < -1e-12)),
            "sharpe": returns.mean() / returns.std(ddof=1) * np.sqrt(365),
            "sortino": returns.mean() / losses * np.sqrt(365),
            "exposure": np.sum(seconds * coins[:-1] / equity[:-1]) / np.sum(seconds),
            "months": _changes(at, index, "%Y-%m"),
        }


def _changes(at: list[datetime], index: Any, form: str) -> dict[str, float]:
    ends = {f"{moment.astimezone(UTC):{form}}": value for moment, value in zip(at, index, strict=True)}
    befores = [index[0], *ends.values()]
    return {day: value / before - 1 for (day, value), before in zip(ends.items(), befores, strict=False)}


def of_trades(deals: list[dict[str, Any]], since: datetime, now: datetime) -> dict[str, Any]:
    """Of the fills and round trips of a period; a trip ends with at most a twentieth left."""
    trips: list[tuple[datetime, timedelta, float]] = []
    begun: dict[str, tuple[datetime, float, float, float]] = {}
    for deal in deals:
        opened, held, most, made = begun.pop(deal["symbol"], (deal["at"], 0.0, 0.0, 0.0))
        held, made = held + deal["coins"], made + deal["realised_pnl"]
        most = max(most, held)
        if deal["side"] == "sell" and held <= most / 20 + 1e-12:
            trips.append((deal["at"], deal["at"] - opened, made))
        else:
            begun[deal["symbol"]] = (opened, held, most, made)
    ended = [(length, made) for at, length, made in trips if at >= since]
    results = np.array([made for _, made in ended])
    count = sum(deal["at"] >= since for deal in deals)
    return {
        "trades": count,
        "trades_per_week": count / ((now - since) / (7 * DAY)),
        "round_trips": len(ended),
        "win_rate": float(np.mean(results > 0)),
        "profit_factor": results[results > 0].sum() / -results[results < 0].sum(),
        "average_holding_seconds": float(np.mean([length.total_seconds() for length, _ in ended])),
    }


def of_copies(
    copies: list[tuple[dict[str, Any], list[dict[str, Any]]]],
    masters: list[dict[str, Any]],
    since: datetime,
    now: datetime,
    price_of: Any,
) -> dict[str, Any]:
    """Of each follower's own subscription and export. `price_of(symbol, when)`: the last kept price."""
    returns, slippage, lag = [], [], []
    for subscription, trades in copies:
        made = sum(trade["cash"] for trade in trades if trade["at"] >= since)
        for symbol in {trade["symbol"] for trade in trades}:
            mine = [trade for trade in trades if trade["symbol"] == symbol]
            made += sum(trade["coins"] for trade in mine) * price_of(symbol, now)
            before = sum(trade["coins"] for trade in mine if trade["at"] < since)
            made -= before * price_of(symbol, since) if before else 0
        returns.append(made / float(subscription["allocation"]))
        for trade in trades:
            if trade["at"] < since:
                continue
            led = [one for one in masters if one["symbol"] == trade["symbol"] and one["at"] <= trade["at"]][
                -1
            ]
            worse = trade["price"] - led["price"] if trade["side"] == "buy" else led["price"] - trade["price"]
            slippage.append(worse / led["price"] * 10_000)
            lag.append((trade["at"] - led["at"]) / timedelta(milliseconds=1))
    return {
        "followers": len(copies),
        "followers_in_profit": sum(value > 0 for value in returns),
        "followers_in_loss": sum(value < 0 for value in returns),
        "followers_median_roi": np.median(returns),
        "assets_copied": sum(float(subscription["allocation"]) for subscription, _ in copies),
        "slippage_bps": dict(zip(("p50", "p99"), np.percentile(slippage, (50, 99)), strict=True)),
        "replication_lag_ms": dict(zip(("p50", "p99"), np.percentile(lag, (50, 99)), strict=True)),
    }
