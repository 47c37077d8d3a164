"""What is kept of a strategy's record: its account's equity as read, and the figures worked out for lists."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from records.fields import MoneyField


class Period(models.TextChoices):
    """How far back figures look; `all` is since publication."""

    WEEK = "7d", _("7 days")
    MONTH = "30d", _("30 days")
    QUARTER = "90d", _("90 days")
    YEAR = "365d", _("365 days")
    ALL = "all", _("All")

    @property
    def days(self) -> int | None:
        return None if self == Period.ALL else int(self.value.removesuffix("d"))


class Statistics(models.Model):
    """The figures of a strategy over a period, worked out from the books (`ledger/statistics.py`).

    Nothing is only here: all of it can be worked out again. The database makes the row of each period
    with the strategy, so that a list by a figure leaves no strategy out. Ratios are fractions, None is
    "not known"; `curve` is [[seconds, equity, what 1 became], …], `months` [["2026-03", return], …].
    """

    strategy = models.ForeignKey(
        "strategies.Strategy",
        on_delete=models.CASCADE,
        related_name="+",
        related_query_name="statistics",
        db_index=False,
    )
    period = models.CharField(max_length=4, choices=Period.choices)
    computed_at = models.DateTimeField(null=True)
    since = models.DateTimeField(null=True)
    roi = MoneyField(null=True)
    pnl = MoneyField(null=True)
    max_drawdown = MoneyField(null=True)
    drawdown_from = models.DateTimeField(null=True)
    drawdown_at = models.DateTimeField(null=True)
    days = models.PositiveIntegerField(default=0)
    days_in_loss = models.PositiveIntegerField(default=0)
    sharpe = MoneyField(null=True)
    sortino = MoneyField(null=True)
    round_trips = models.PositiveIntegerField(default=0)
    win_rate = MoneyField(null=True)
    profit_factor = MoneyField(null=True)
    average_holding_seconds = models.BigIntegerField(null=True)
    trades = models.PositiveIntegerField(default=0, help_text="The master's fills.")
    trades_per_week = MoneyField(null=True)
    exposure = MoneyField(null=True)
    followers = models.PositiveIntegerField(default=0, help_text="Running copies of others.")
    followers_known = models.PositiveIntegerField(default=0, help_text="Of whom every coin has a price.")
    followers_in_profit = models.PositiveIntegerField(default=0)
    followers_in_loss = models.PositiveIntegerField(default=0)
    followers_median_roi = MoneyField(null=True)
    assets_copied = MoneyField(default=0)
    copied_fills = models.PositiveIntegerField(default=0)
    slippage_bps_p50 = MoneyField(null=True)
    slippage_bps_p99 = MoneyField(null=True)
    replication_lag_ms_p50 = MoneyField(null=True)
    replication_lag_ms_p99 = MoneyField(null=True)
    flows_uncounted = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Deposits and withdrawals of coins without a price then."
    )
    fees_uncounted = models.PositiveIntegerField(
        default=0,
        db_default=0,
        help_text="Fees of the master and of running copies in coins without a price then.",
    )
    curve = models.JSONField(default=list)
    months = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["strategy", "period"], name="one_row_of_figures_per_period"),
        ]
        indexes = [
            *(
                models.Index(
                    "period",
                    F(figure).desc(nulls_last=True),
                    F("strategy").desc(),
                    name=f"highest_{figure}",
                )
                for figure in ("roi", "pnl", "sharpe", "win_rate", "followers", "followers_median_roi")
            ),
            models.Index(fields=["period", "max_drawdown", "strategy"], name="lowest_max_drawdown"),
            models.Index(F("computed_at").asc(nulls_first=True), name="oldest_figures"),
        ]

    @property
    def worst_drop(self) -> Decimal | None:
        """As a change: 0 or below."""
        return None if self.max_drawdown is None else -self.max_drawdown


class PerformanceSnapshot(models.Model):
    """The master account's equity at a moment, in the strategy's quote."""

    strategy = models.ForeignKey("strategies.Strategy", on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()
    equity = MoneyField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["strategy", "at"], name="one_snapshot_per_strategy_and_moment"),
        ]
