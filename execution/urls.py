"""Routes of signals, webhooks, orders, subscriptions, trades and limits."""

from django.urls import URLPattern, path

from execution.api.cost_basis import CostBasisView
from execution.api.limits import AcknowledgeView, BreachesView, LimitsView, SubscriptionLimitsView
from execution.api.orders import OrdersView, OrderView
from execution.api.preview import SignalPreviewView, SubscriptionPreviewView
from execution.api.signals import SignalsView, SignalView
from execution.api.statements import StatementView
from execution.api.subscriptions import (
    CloseAllView,
    OpenPositionsView,
    PauseAllView,
    SubscriptionHistoryView,
    SubscriptionsView,
    SubscriptionView,
)
from execution.api.trades import TradesExportView, TradesView
from execution.api.webhooks import HookView, WebhooksView, WebhookView

SIGNALS = "strategies/<uuid:strategy_id>/signals/"
WEBHOOKS = "strategies/<uuid:strategy_id>/webhooks/"

api_urlpatterns: list[URLPattern] = [
    path(SIGNALS, SignalsView.as_view(), name="api-signals"),
    path(f"{SIGNALS}preview/", SignalPreviewView.as_view(), name="api-signal-preview"),
    path(f"{SIGNALS}<uuid:signal_id>/", SignalView.as_view(), name="api-signal"),
    path(WEBHOOKS, WebhooksView.as_view(), name="api-webhooks"),
    path(f"{WEBHOOKS}<uuid:webhook_id>/", WebhookView.as_view(), name="api-webhook"),
    path("subscriptions/", SubscriptionsView.as_view(), name="api-subscriptions"),
    path("subscriptions/preview/", SubscriptionPreviewView.as_view(), name="api-subscription-preview"),
    path("subscriptions/pause-all/", PauseAllView.as_view(), name="api-pause-all"),
    path("subscriptions/close-all/", CloseAllView.as_view(), name="api-close-all"),
    path("subscriptions/<uuid:subscription_id>/", SubscriptionView.as_view(), name="api-subscription"),
    path(
        "subscriptions/<uuid:subscription_id>/history/",
        SubscriptionHistoryView.as_view(),
        name="api-subscription-history",
    ),
    path(
        "subscriptions/<uuid:subscription_id>/open-positions/",
        OpenPositionsView.as_view(),
        name="api-open-positions",
    ),
    path(
        "subscriptions/<uuid:subscription_id>/limits/",
        SubscriptionLimitsView.as_view(),
        name="api-subscription-limits",
    ),
    path("risk/breaches/", BreachesView.as_view(), name="api-breaches"),
    path(
        "risk/breaches/<uuid:breach_id>/acknowledge/",
        AcknowledgeView.as_view(),
        name="api-breach-acknowledge",
    ),
    path("orders/", OrdersView.as_view(), name="api-orders"),
    path("orders/<uuid:order_id>/", OrderView.as_view(), name="api-order"),
    path("subscriptions/<uuid:subscription_id>/statement", StatementView.as_view(), name="api-statement"),
    path("trades/cost-basis", CostBasisView.as_view(), name="api-cost-basis"),
    path("trades/", TradesView.as_view(), name="api-trades"),
    path("trades/export", TradesExportView.as_view(), name="api-trades-export"),
    path("risk/limits/", LimitsView.as_view(), name="api-risk-limits"),
]
hook_urlpatterns: list[URLPattern] = [path("<path:secret>", HookView.as_view(), name="hook")]
