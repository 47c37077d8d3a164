"""Routes of the books."""

from django.urls import URLPattern, path

from ledger.api import PerformanceView, PositionsView
from ledger.bills.api import BillsView, MarkPaidView, WaiveView
from ledger.record_api import FlowsView, PricesView

api_urlpatterns: list[URLPattern] = [
    path("positions/", PositionsView.as_view(), name="api-positions"),
    path("strategies/<uuid:strategy_id>/performance/", PerformanceView.as_view(), name="api-performance"),
    path("strategies/<uuid:strategy_id>/flows/", FlowsView.as_view(), name="api-flows"),
    path("prices/", PricesView.as_view(), name="api-prices"),
    path("bills/", BillsView.as_view(), name="api-bills"),
    path("bills/<uuid:bill_id>/mark-paid/", MarkPaidView.as_view(), name="api-bill-mark-paid"),
    path("bills/<uuid:bill_id>/waive/", WaiveView.as_view(), name="api-bill-waive"),
]
