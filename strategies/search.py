"""Strategies as somebody looks for them: by words, by what they are, by their figures.

Every condition and order here has its index; `python -m benchmarks marketplace` shows the plans.
"""

from __future__ import annotations

import re
from decimal import Decimal

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import F, Q
from django.db.models.functions import Upper

from accounts.models import User
from strategies.models import Strategy, StrategyQuerySet

# Figures that lists can be ordered by.
FIGURES = ("roi", "pnl", "max_drawdown", "sharpe", "win_rate", "followers_median_roi")
COIN = re.compile(r"[A-Z0-9]{2,12}")
QUOTES = ("USDT", "USDC", "USD", "EUR", "FDUSD", "BTC", "ETH")
MOST_MASTERS = 50


def with_words(rows: StrategyQuerySet, text: str) -> StrategyQuerySet:
    """The words are in name or description, the name resembles the text, or it is a coin, tag or master."""
    shouted = text.upper()
    found = (
        Q(shouted_name__contains=shouted)
        | Q(shouted_name__trigram_word_similar=shouted)
        | Q(words=SearchQuery(text, config="english", search_type="websearch"))
        | Q(tags__overlap=[text, text.lower()])
        | Q(owner__in=_masters_called(text))
    )
    if "/" in shouted:
        found |= Q(symbols__contains=[shouted])
    elif COIN.fullmatch(shouted):
        found |= Q(symbols__overlap=[f"{shouted}/{quote}" for quote in QUOTES])
    return rows.annotate(
        shouted_name=Upper("name"), words=SearchVector("name", "description", config="english")
    ).filter(found)


def with_figures_of(
    rows: StrategyQuerySet,
    period: str,
    *,
    min_roi: Decimal | None = None,
    max_drawdown: Decimal | None = None,
) -> StrategyQuerySet:
    """Each strategy beside its figures of the period; the database has made that row for all."""
    # One filter: a second one would join the rows of other periods.
    wanted = Q(statistics__period=period)
    if min_roi is not None:
        wanted &= Q(statistics__roi__gte=min_roi)
    if max_drawdown is not None:
        wanted &= Q(statistics__max_drawdown__lte=max_drawdown)
    return rows.filter(wanted).annotate(**{figure: F(f"statistics__{figure}") for figure in FIGURES})


def ordered(rows: StrategyQuerySet, ordering: str) -> StrategyQuerySet:
    """By a column or figure, with `-` from the highest; what is not known comes last, ties by id.

    Figures, and `followers` as kept with them, are those of `with_figures_of`.
    """
    name, is_descending = ordering.lstrip("-"), ordering.startswith("-")
    # The kept number has an index; `followers` of a row is counted as it is now, for the rows shown.
    column = F("statistics__followers" if name == "followers" else name)
    by = column.desc(nulls_last=True) if is_descending else column.asc(nulls_last=True)
    if name not in (*FIGURES, "followers"):
        by = column.desc() if is_descending else column.asc()
        tie = F("pk")
    else:
        # The same column, where the index of the figure has it.
        tie = F("statistics__strategy_id")
    return rows.order_by(by, tie.desc() if is_descending else tie.asc())


def _masters_called(text: str) -> list[int]:
    called = User.objects.filter(display_name__icontains=text).order_by("pk")
    return list(called.values_list("pk", flat=True)[:MOST_MASTERS]) if text else []


def listed_with(status: str) -> StrategyQuerySet:
    return Strategy.objects.filter(status=status, visibility=Strategy.Visibility.PUBLIC)
