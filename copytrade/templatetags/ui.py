"""Filters and tags of the pages: numbers with sign and unit, times, icons, sparklines.

A number that is not known is a dash; a number that is too small to show is never shown as 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache

import structlog
from django import template
from django.conf import settings
from django.forms import BoundField, CheckboxInput, Select
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.programs import program_name

register = template.Library()
log = structlog.get_logger(__name__)

MINUS = "−"
NO_BREAK = "\u00a0"
DASH = "—"
CENT = Decimal("0.01")
ICON_FOLDER = settings.BASE_DIR / "static" / "vendor" / "icons"

Number = Decimal | int | float | None


def _decimal(value: Number) -> Decimal | None:
    if value is None or value == "":
        return None
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _grouped(value: Decimal, places: int) -> str:
    return f"{value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN):,f}".replace("-", MINUS)


def _trimmed(value: Decimal, places: int, *, least: int = 0) -> str:
    """Plain notation with at most `places` and at least `least` decimals, trailing zeros cut between."""
    whole, point, decimals = _grouped(value, places).partition(".")
    decimals = decimals.rstrip("0").ljust(least, "0")
    return f"{whole}{point}{decimals}" if decimals else whole


@register.filter
def money(value: Number) -> str:
    """`1,284.00`; what is below a cent but not nothing is `< 0.01`, a loss `< 0.01 down`."""
    amount = _decimal(value)
    if amount is None:
        return DASH
    if amount != 0 and abs(amount) < CENT:
        return f"<{NO_BREAK}0.01" if amount > 0 else f"<{NO_BREAK}0.01 {_('down')}"
    return _grouped(amount, 2)


def _signed(amount: Decimal, shown: str) -> str:
    return f"+{shown}" if amount > 0 and not shown.startswith("<") else shown


@register.filter
def signed_money(value: Number) -> str:
    """`+149.10`, `−12.40`, `0.00`."""
    amount = _decimal(value)
    return DASH if amount is None else _signed(amount, money(amount))


@register.filter
def percent(fraction: Number) -> str:
    """A fraction as `6.40 %`."""
    amount = _decimal(fraction)
    return DASH if amount is None else f"{_grouped(amount * 100, 2)}{NO_BREAK}%"


@register.filter
def signed_percent(fraction: Number) -> str:
    """A fraction as `+18.20 %` or `−0.51 %`; what is too small to show is `< 0.01 % up` or `down`."""
    amount = _decimal(fraction)
    if amount is None:
        return DASH
    if amount != 0 and abs(amount) < Decimal("0.0001"):
        return f"<{NO_BREAK}0.01{NO_BREAK}% " + (_("up") if amount > 0 else _("down"))
    return _signed(amount, percent(amount))


@register.filter
def plain_percent(value: Number) -> str:
    """A number that already is in percent, without needless zeros: `10 %`."""
    amount = _decimal(value)
    return DASH if amount is None else f"{_trimmed(amount, 2)}{NO_BREAK}%"


@register.filter
def price(value: Number) -> str:
    """Two decimals or more: enough for six significant digits of a cheap coin."""
    amount = _decimal(value)
    if amount is None:
        return DASH
    places = max(2, 5 - amount.adjusted()) if amount else 2
    return _trimmed(amount, min(places, 12), least=2)


@register.filter
def quantity(value: Number) -> str:
    """An amount of a coin, trailing zeros cut."""
    amount = _decimal(value)
    return DASH if amount is None else _trimmed(amount, 12)


@register.filter
def about(value: Number) -> str:
    """An amount of a coin to three significant digits, where only its size matters."""
    amount = _decimal(value)
    if not amount:
        return "0"
    return _trimmed(amount, max(0, 2 - amount.adjusted()))


@register.filter
def milliseconds(value: Number) -> str:
    """`84 ms`, `1.2 s`, `3.5 min`."""
    amount = _decimal(value)
    if amount is None:
        return DASH
    if abs(amount) < 1000:
        return f"{_grouped(amount, 0)}{NO_BREAK}ms"
    if abs(amount) < 120_000:
        return f"{_grouped(amount / 1000, 1)}{NO_BREAK}s"
    return f"{_grouped(amount / 60_000, 1)}{NO_BREAK}min"


@register.filter
def slippage(value: Number) -> str:
    """Basis points against the master's price, in words: `3.1 bps worse`."""
    amount = _decimal(value)
    if amount is None:
        return DASH
    shown = _grouped(abs(amount), 1)
    if shown == "0.0":
        return _("same price")
    return f"{shown}{NO_BREAK}bps " + (_("worse") if amount > 0 else _("better"))


@register.filter
def direction(value: Number) -> str:
    """The class of a number: `up`, `down`, or none at 0 and where nothing is known."""
    amount = _decimal(value)
    if not amount:
        return ""
    return "up" if amount > 0 else "down"


@register.filter
def base_coin(symbol: str) -> str:
    return symbol.partition("/")[0]


@register.filter
def quote_coin(symbol: str) -> str:
    return symbol.partition("/")[2].partition(":")[0]


@register.filter
def span(length: timedelta | None) -> str:
    """How long, in one unit: `14 minutes`, `3 hours`, `12 days`."""
    if length is None:
        return DASH
    seconds = int(length.total_seconds())
    if seconds < 60:
        return ngettext("%(n)s second", "%(n)s seconds", seconds) % {"n": seconds}
    if seconds < 2 * 3600:
        minutes = seconds // 60
        return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}
    if seconds < 2 * 86_400:
        return _("%(n)s hours") % {"n": seconds // 3600}
    return _("%(n)s days") % {"n": f"{seconds // 86_400:,}"}


def _time(at: datetime, shown: str) -> SafeString:
    in_utc = at.astimezone(timezone.get_default_timezone())
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        in_utc.isoformat(timespec="milliseconds"),
        in_utc.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
        shown,
    )


@register.simple_tag
def clock(at: datetime | None) -> str:
    """The time of day in the person's zone; with the date when it was not today."""
    if at is None:
        return DASH
    local = timezone.localtime(at)
    today = timezone.localdate()
    if local.date() == today:
        return _time(at, local.strftime("%H:%M:%S"))
    form = "%-d %b %H:%M:%S" if local.year == today.year else "%-d %b %Y %H:%M:%S"
    return _time(at, local.strftime(form))


@register.simple_tag
def moment(at: datetime | None) -> str:
    """Date and time in the person's zone."""
    return DASH if at is None else _time(at, timezone.localtime(at).strftime("%-d %b %Y, %H:%M:%S"))


@register.simple_tag
def day(at: datetime | None) -> str:
    return DASH if at is None else _time(at, timezone.localtime(at).strftime("%-d %b %Y"))


@register.filter
def program(user_agent: str | None) -> str:
    """`Firefox 130 on Windows`."""
    return program_name(user_agent or "")


@register.simple_tag
def ago(at: datetime | None) -> str:
    """Relative below a day, else the date. Not for live fragments: it changes without news."""
    if at is None:
        return DASH
    age = timezone.now() - at
    if age < timedelta(days=1):
        return _time(at, _("%(length)s ago") % {"length": span(max(age, timedelta(0)))})
    return _time(at, timezone.localtime(at).strftime("%-d %b %Y, %H:%M"))


@cache
def _icon(name: str) -> str:
    try:
        svg = (ICON_FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    except FileNotFoundError:
        # Every icon stands beside its word, so a page without them still says everything.
        log.warning("icon_missing", icon=name, hint="run `make assets`")
        return ""
    paths = svg.partition(">")[2].rpartition("</svg>")[0].strip()
    return (
        '<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" '
        f'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">{paths}</svg>'
    )


@register.simple_tag
def icon(name: str) -> str:
    """An icon of static/vendor/icons, inline; always beside a word, so hidden from screen readers."""
    return mark_safe(_icon(name))  # nosec B308 B703 # noqa: S308 - our own pinned files


@register.simple_tag
def sparkline(values: Sequence[Decimal]) -> str:
    """A line of 120 × 32 units; the words beside it say the same."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    height = high - low or Decimal(1)
    points = " ".join(
        f"{120 * index / (len(values) - 1):.1f},{float(30 - 28 * (value - low) / height):.1f}"
        for index, value in enumerate(values)
    )
    return format_html(
        '<svg class="spark {}" viewBox="0 0 120 32" preserveAspectRatio="none" aria-hidden="true" '
        'focusable="false"><polygon points="0,32 {} 120,32"/><polyline points="{}"/></svg>',
        direction(values[-1] - values[0]),
        points,
        points,
    )


@register.simple_tag
def value_of(amount: Decimal | None, at_price: Decimal | None) -> str:
    return DASH if amount is None or at_price is None else money(amount * at_price)


@register.simple_tag
def clock_ms(at: datetime) -> str:
    """The time of day to the millisecond."""
    return _time(at, timezone.localtime(at).strftime("%H:%M:%S.%f")[:-3])


@register.filter
def unlocalised(value: Decimal) -> str:
    """For SVG attributes: a point, two decimals, no grouping."""
    return f"{value:.2f}"


@register.filter
def is_checkbox(field: BoundField) -> bool:
    return isinstance(field.field.widget, CheckboxInput)


@register.filter
def as_control(field: BoundField) -> SafeString:
    """The field's widget with the style sheet's class, tied to its errors.

    No placeholder: it would say again what the label says.
    """
    attrs: dict[str, str | bool] = {
        "class": "form-select" if isinstance(field.field.widget, Select) else "form-control",
        "placeholder": False,
    }
    if field.errors:
        attrs["aria-describedby"] = f"{field.id_for_label}_error"
    return field.as_widget(attrs=attrs)
