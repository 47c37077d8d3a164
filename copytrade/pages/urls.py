"""The addresses of the pages in this folder."""

from __future__ import annotations

from django.urls import path

from copytrade.pages import (
    copy,
    copying,
    dashboard,
    follow,
    landing,
    marketplace,
    operations,
    orders,
    positions,
    preferences,
    reading,
    risk,
    security,
    shell,
    signals,
    strategy,
    trades,
)
from copytrade.pages.studio import hooks, offers, overview, sending
from copytrade.pages.wallets import accounts, addresses

STUDIO = "studio/strategies/<slug:slug>/"
ACCOUNT = "wallets/accounts/<uuid:public_id>/"
ADDRESS = "wallets/addresses/<uuid:public_id>/"
urlpatterns = [
    path("", landing.landing, name="landing"),
    path("theme/", shell.choose_theme, name="theme"),
    path("definitions/", reading.definitions, name="definitions"),
    path("credits/", reading.credits_page, name="credits"),
    path("strategies/", marketplace.marketplace, name="marketplace"),
    path("strategies/<slug:slug>/", strategy.strategy_page, name="strategy"),
    path("strategies/<slug:slug>/signals/", strategy.strategy_signals, name="strategy_signals"),
    path("strategies/<slug:slug>/follow/", follow.follow_page, name="follow"),
    path("operations/", operations.operations, name="operations"),
    path("operations/figures/", operations.operations_figures, name="operations_figures"),
    path("dashboard/", dashboard.dashboard, name="dashboard"),
    path("dashboard/feed/", dashboard.dashboard_feed, name="dashboard_feed"),
    path("dashboard/figures/", dashboard.dashboard_figures, name="dashboard_figures"),
    path("subscriptions/pause-all/", copying.pause_all, name="pause_all"),
    path("subscriptions/<uuid:public_id>/", copy.copy_page, name="copy"),
    path("subscriptions/<uuid:public_id>/live/", copy.copy_live, name="copy_live"),
    path("subscriptions/<uuid:public_id>/pause/", copying.pause, name="pause"),
    path("subscriptions/<uuid:public_id>/resume/", copying.resume, name="resume"),
    path("subscriptions/<uuid:public_id>/stop/", copying.stop, name="stop"),
    path("orders/", orders.orders, name="orders"),
    path("orders/<uuid:public_id>/", orders.order_page, name="order"),
    path("orders/<uuid:public_id>/live/", orders.order_live, name="order_live"),
    path("positions/", positions.positions, name="positions"),
    path("positions/live/", positions.positions_live, name="positions_live"),
    path("settings/security/", security.security, name="security"),
    path("settings/preferences/", preferences.preferences, name="preferences"),
    path("risk/", risk.risk, name="risk"),
    path("risk/kill-switch/", risk.kill_switch, name="kill_switch"),
    path("trades/", trades.trades, name="trades"),
    path("signals/<uuid:public_id>/", signals.signal_page, name="signal"),
    path("signals/<uuid:public_id>/live/", signals.signal_live, name="signal_live"),
    path("wallets/accounts/", accounts.accounts, name="wallet-accounts"),
    path("wallets/accounts/connect/", accounts.connect, name="wallet-connect"),
    path(f"{ACCOUNT}validate/", accounts.validate, name="wallet-validate"),
    path(f"{ACCOUNT}rotate/", accounts.rotate, name="wallet-rotate"),
    path(f"{ACCOUNT}rename/", accounts.rename, name="wallet-rename"),
    path(f"{ACCOUNT}disconnect/", accounts.disconnect, name="wallet-disconnect"),
    path("wallets/addresses/", addresses.addresses, name="wallet-addresses"),
    path(f"{ADDRESS}confirm/", addresses.confirm, name="wallet-address-confirm"),
    path(f"{ADDRESS}send-code/", addresses.send_code, name="wallet-address-code"),
    path(f"{ADDRESS}remove/", addresses.remove, name="wallet-address-remove"),
    path("studio/", overview.studio, name="studio"),
    path("studio/live/", overview.studio_live, name="studio_live"),
    path("studio/new/", offers.new_strategy, name="studio_new"),
    path(STUDIO, offers.edit_strategy, name="studio_strategy"),
    path(f"{STUDIO}publish/", offers.publish, name="studio_publish"),
    path(f"{STUDIO}close/", offers.close, name="studio_close"),
    path(f"{STUDIO}delete/", offers.delete, name="studio_delete"),
    path(f"{STUDIO}signal/", sending.send_signal, name="studio_signal"),
    path(f"{STUDIO}webhooks/", hooks.hooks, name="studio_hooks"),
    path(f"{STUDIO}webhooks/<uuid:public_id>/revoke/", hooks.revoke, name="studio_hook_revoke"),
]
