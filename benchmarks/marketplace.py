"""How PostgreSQL finds strategies among 100,000: each way to filter and order the list, with its plan."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from statistics import median
from typing import Any

from django.db import connection

from accounts.models import User
from benchmarks.extent import Extent
from benchmarks.report import Figures
from benchmarks.stage import Stage
from local.report import say
from strategies import search
from strategies.models import Strategy
from subscriptions.api import with_followers
from wallets.models import ExchangeAccount

STRATEGIES = 100_000
PAGE = 50
PLANS = Path(__file__).parent / "results" / "marketplace_plans.txt"
WORDS = ["calm", "wild", "swing", "momentum", "reversal", "breakout", "carry", "grid", "trend", "range"]

COLUMNS = {
    "public_id": "gen_random_uuid()",
    "owner_id": "%(owner)s",
    "exchange_account_id": "%(account)s",
    "name": "initcap(w.words[1 + n %% 10] || ' ' || w.words[1 + n / 10 %% 10]) || ' ' || n",
    "slug": "'bench-' || %(mark)s || '-' || n",
    "description": "'Trades ' || w.words[1 + n / 100 %% 10] || ' by rule ' || n",
    "symbols": "CASE n %% 50 WHEN 1 THEN ARRAY['SOL/USDT'] ELSE ARRAY['BTC/USDT', 'ETH/USDT'] END",
    "quote": "'USDT'",
    "risk_level": "(ARRAY['low', 'medium', 'high'])[1 + n %% 3]",
    "min_capital": "100",
    "performance_fee_percent": "n %% 30",
    "tags": "ARRAY[w.words[1 + n / 1000 %% 10], 'tag' || n %% 500]",
    "visibility": "'public'",
    "positions_visible_to": "'everyone'",
    "status": "CASE n %% 10 WHEN 0 THEN 'closed' ELSE 'published' END",
    "max_signal_age_seconds": "30",
    "last_signal_number": "0",
    "created_at": "now() - n * interval '1 minute'",
    "published_at": "now() - n * interval '1 minute'",
}
FIGURES = """
UPDATE strategies_statistics SET
    roi = random() - 0.3, pnl = random() * 1000 - 300, max_drawdown = random() * 0.6, sharpe = random() * 3,
    win_rate = random(), followers_median_roi = CASE WHEN random() < 0.5 THEN random() - 0.3 END,
    computed_at = now()
"""
CASES: dict[str, dict[str, Any]] = {
    "newest": {},
    "by_name": {"ordering": "name"},
    "by_roi": {"ordering": "-roi"},
    "by_followers_median": {"ordering": "-followers_median_roi"},
    "by_smallest_drop": {"ordering": "max_drawdown"},
    "by_lowest_roi": {"ordering": "roi"},
    "by_followers": {"ordering": "-followers"},
    "good_and_calm": {"ordering": "-roi", "min_roi": "0.2", "max_drawdown": "0.1"},
    "symbol": {"symbol": "SOL/USDT", "ordering": "-roi"},
    "tag": {"tag": "tag77", "ordering": "-roi"},
    "words": {"search": "momentum grid"},
    "typo": {"search": "momentm 4242"},
    "last_page": {"ordering": "-roi", "offset": 9_950},
}


def run(stage: Stage, extent: Extent) -> Figures:
    count = extent.followers or STRATEGIES
    seed(count)
    figures: dict[str, float] = {}
    plans = []
    for name, case in CASES.items():
        rows = _rows(case)
        offset = case.get("offset", 0)
        took, plan = [], {}
        for _ in range(extent.repetitions(9)):
            plan = json.loads(rows[offset : offset + PAGE].explain(analyze=True, format="json"))[0]
            took.append(plan["Execution Time"] + plan["Planning Time"])
        counted = json.loads(rows.order_by().values("pk")[:10_000].explain(analyze=True, format="json"))[0]
        figures[f"marketplace_{count}_{name}_ms"] = median(took)
        figures[f"marketplace_{count}_{name}_count_ms"] = counted["Execution Time"]
        plans.append(f"--- {name} {case}\n{rows[offset : offset + PAGE].explain()}")
        say(f"  {name:22} {median(took):8.1f} ms   {', '.join(_scans(plan['Plan']))}")
    PLANS.parent.mkdir(parents=True, exist_ok=True)
    PLANS.write_text("\n\n".join(plans) + "\n", encoding="utf-8")
    return figures


def _rows(case: dict[str, Any]) -> Any:
    rows = search.listed_with(Strategy.Status.PUBLISHED)
    if "search" in case:
        rows = search.with_words(rows, case["search"])
    if "symbol" in case:
        rows = rows.filter(symbols__contains=[case["symbol"]])
    if "tag" in case:
        rows = rows.filter(tags__contains=[case["tag"]])
    figures = {name: case.get(name) for name in ("min_roi", "max_drawdown")}
    rows = with_followers(search.with_figures_of(rows, "all", **figures))
    return search.ordered(rows, case.get("ordering", "-created_at"))


def seed(count: int) -> None:
    """So many strategies of one master, with figures, and statistics of the tables that are true."""
    mark = str(time.time_ns())
    owner = User.objects.create(email=f"{mark}@example.org", password="!")
    account = ExchangeAccount.objects.create(
        owner=owner, exchange="paper", label="Many", venue_account_id=mark
    )
    names, values = ", ".join(COLUMNS), ", ".join(COLUMNS.values())
    statement = (
        f"INSERT INTO strategies_strategy ({names}) SELECT {values}"  # noqa: S608 - names of this file
        " FROM generate_series(1, %(count)s) AS n CROSS JOIN (SELECT %(words)s::text[] AS words) w"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {"owner": owner.pk, "account": account.pk, "mark": mark, "count": count, "words": WORDS},
        )
        cursor.execute(FIGURES)
        cursor.execute("VACUUM ANALYZE strategies_strategy")
        cursor.execute("VACUUM ANALYZE strategies_statistics")


def _scans(plan: dict[str, Any]) -> list[str]:
    """What is read by which index, outermost first."""
    found = []
    if re.search("Scan", plan["Node Type"]) and plan["Node Type"] != "Bitmap Heap Scan":
        found.append(plan.get("Index Name") or f"all of {plan.get('Relation Name', '?')}")
    for child in plan.get("Plans", ()):
        found += _scans(child)
    return found
