"""Routes of strategies."""

from django.urls import URLPattern, path

from strategies.symbol_api import SymbolsView
from subscriptions.api import StrategiesView, StrategyView
from subscriptions.group_api import ClientChangesView, OwnChangesView
from subscriptions.invite_api import InvitesView, InviteView

INVITES = "strategies/<uuid:strategy_id>/invites/"

api_urlpatterns: list[URLPattern] = [
    path("symbols/", SymbolsView.as_view(), name="api-symbols"),
    path("strategies/", StrategiesView.as_view(), name="api-strategies"),
    path(INVITES, InvitesView.as_view(), name="api-invites"),
    path(f"{INVITES}<uuid:invite_id>/", InviteView.as_view(), name="api-invite"),
    path("strategies/<uuid:strategy_id>/groups/changes/", ClientChangesView.as_view(), name="api-clients"),
    path("subscriptions/changes/", OwnChangesView.as_view(), name="api-subscription-changes"),
    path("strategies/<uuid:strategy_id>/", StrategyView.as_view(), name="api-strategy"),
]
