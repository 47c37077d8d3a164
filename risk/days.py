"""A person's day: from midnight to midnight where they live, so 23 or 25 hours when clocks change. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo


def day_of(now: datetime, time_zone: str) -> date:
    return now.astimezone(ZoneInfo(time_zone)).date()


def day_start(now: datetime, time_zone: str) -> datetime:
    """When the day of `now` began there; where midnight is left out, the first moment after it."""
    zone = ZoneInfo(time_zone)
    return datetime.combine(day_of(now, time_zone), time.min, tzinfo=zone).astimezone(UTC)
