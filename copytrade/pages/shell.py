"""What the frame of every page needs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from copytrade.pages.obstacles import obstacles_of
from copytrade.pages.staff import is_admin, is_auditor, is_reviewer, may_trade

THEMES = ("light", "dark")
# Of traders; the rest is under More.
UNDER_MORE = ("positions", "trades", "wallet-accounts", "studio")
A_YEAR = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class NavigationItem:
    address: str
    label: str
    short: str
    icon: str
    current: bool
    # Whether a phone shows it in the bar below, or under More.
    on_phone: bool


def shell(request: HttpRequest) -> dict[str, object]:
    """The chosen theme (empty: follow the system), the navigation, and where e-mails go."""
    theme = request.COOKIES.get("theme", "")
    return {
        "theme": theme if theme in THEMES else "",
        "navigation": SimpleLazyObject(partial(_navigation, request)),
        "account_navigation": _account_navigation(request),
        "has_mail_server": bool(settings.EMAIL_URL),
        # Called by the page's frame only, not by each fragment.
        "obstacles": partial(obstacles_of, request),
    }


def _navigation(request: HttpRequest) -> list[NavigationItem]:
    places = [("marketplace", _("Strategies"), _("Strategies"), "chart-line")]
    # A page that failed early has no user yet.
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return [_item(request, *place) for place in places]
    if may_trade(user):
        places.insert(0, ("dashboard", _("Dashboard"), _("Home"), "home"))
        places += [
            ("orders", _("Orders"), _("Orders"), "list"),
            ("positions", _("Positions"), _("Positions"), "currency-bitcoin"),
            ("trades", _("Trades"), _("Trades"), "receipt"),
            ("risk", _("Risk"), _("Risk"), "shield"),
            ("wallet-accounts", _("Wallets"), _("Wallets"), "wallet"),
            ("studio", _("Studio"), _("Studio"), "activity"),
        ]
    else:
        places.insert(0, ("dashboard", _("Home"), _("Home"), "home"))
        if is_reviewer(user):
            places.append(("admin:accounts_kyccase_changelist", _("Reviews"), _("Reviews"), "users"))
        if is_auditor(user):
            places.append(("audit", _("Audit record"), _("Audit"), "list"))
        if is_admin(user):
            places.append(("operations", _("Operations"), _("Operations"), "activity"))
        places.append(("admin:index", _("Admin"), _("Admin"), "settings"))
    return [_item(request, *place) for place in places]


def _account_navigation(request: HttpRequest) -> list[NavigationItem]:
    places = [
        ("security", _("Security"), _("Security"), "shield"),
        ("preferences", _("Time zone and currency"), _("Preferences"), "settings"),
        ("bills", _("Bills"), _("Bills"), "receipt"),
        ("kyc", _("Identity check"), _("Identity"), "shield"),
        ("account_email", _("E-mail address"), _("E-mail"), "user"),
        ("account_change_password", _("Password"), _("Password"), "key"),
        ("mfa_index", _("Two-factor log-in"), _("Two-factor"), "shield"),
        ("tokens", _("API tokens"), _("Tokens"), "key"),
        ("usersessions_list", _("Where you are logged in"), _("Sessions"), "lock"),
    ]
    return [_item(request, *place) for place in places]


def _item(request: HttpRequest, name: str, label: str, short: str, icon: str) -> NavigationItem:
    address = reverse(name)
    section = "/wallets/" if name == "wallet-accounts" else address
    current = request.path.startswith(section)
    return NavigationItem(address, label, short, icon, current=current, on_phone=name not in UNDER_MORE)


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Keep light or dark in a cookie; anything else follows the system again."""
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = "/"
    response = HttpResponseRedirect(back)
    theme = request.POST.get("theme", "")
    if theme in THEMES:
        response.set_cookie(
            "theme", theme, max_age=A_YEAR, samesite="Lax", httponly=True, secure=request.is_secure()
        )
    else:
        response.delete_cookie("theme", samesite="Lax")
    return response
