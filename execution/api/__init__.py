"""The routes of signals, orders, subscriptions, trades and limits."""
