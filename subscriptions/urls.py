"""Routes of strategies."""

from django.urls import URLPattern, path

from subscriptions.api import StrategiesView, StrategyView

api_urlpatterns: list[URLPattern] = [
    path("strategies/", StrategiesView.as_view(), name="api-strategies"),
    path("strategies/<uuid:strategy_id>/", StrategyView.as_view(), name="api-strategy"),
]
