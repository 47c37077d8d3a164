"""Routes of the books."""

from django.urls import URLPattern, path

from ledger.api import PerformanceView, PositionsView

api_urlpatterns: list[URLPattern] = [
    path("positions/", PositionsView.as_view(), name="api-positions"),
    path("strategies/<uuid:strategy_id>/performance/", PerformanceView.as_view(), name="api-performance"),
]
