"""May this order go: limits, the kill switch, and what was stopped."""
