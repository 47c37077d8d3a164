"""Routes of the books."""

from django.urls import URLPattern, path

from ledger.api import PositionsView

api_urlpatterns: list[URLPattern] = [
    path("positions/", PositionsView.as_view(), name="api-positions"),
]
