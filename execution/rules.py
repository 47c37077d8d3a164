"""The venues' market rules, where they can be had now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import structlog

from exchanges import gateway
from exchanges.errors import ExchangeError
from exchanges.types import MarketRules

log = structlog.get_logger(__name__)


def rules_of(exchanges: Iterable[str]) -> dict[str, Mapping[str, MarketRules] | None]:
    """By venue; None for one that is silent and was never asked before. May go over the network."""
    return {exchange: _rules(exchange) for exchange in exchanges}


def _rules(exchange: str) -> Mapping[str, MarketRules] | None:
    try:
        return gateway.market_rules_now(exchange)
    except ExchangeError as error:
        log.warning("no_market_rules", exchange=exchange, error=error.text)
        return None
