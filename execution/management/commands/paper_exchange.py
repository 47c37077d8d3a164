"""Run the paper exchange, which trading without money takes place on."""

from __future__ import annotations

import asyncio
import signal
from argparse import ArgumentParser, Namespace
from decimal import Decimal
from typing import Any

import uvloop
from django.core.management.base import BaseCommand, CommandError

from exchanges import gateway
from exchanges.errors import VenueNotSupported
from paper_exchange.__main__ import add_arguments, options_of
from paper_exchange.prices import ReadPrices
from paper_exchange.server import serve


class Command(BaseCommand):
    help = "Run the paper exchange: Binance's spot protocol, without money."
    # It needs no database and must not wait for one.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_arguments(parser)
        parser.add_argument(
            "--follow", metavar="EXCHANGE", help="take the prices of a real venue, by ccxt id"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        follow = options["follow"]
        if follow and options["candles"]:
            raise CommandError("Prices come from --candles or from --follow, not from both.")
        try:
            uvloop.run(self._serve(options, _reader(follow) if follow else None))
        except ValueError as error:
            raise CommandError(f"--candles: {error}; --candles-symbol names one.") from error
        except OSError as error:
            place = error.filename or f"{options['host']}:{options['port']}"
            raise CommandError(f"The paper exchange cannot use {place}: {error.strerror}.") from error

    async def _serve(self, options: dict[str, Any], read_prices: ReadPrices | None) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await serve(
            options_of(Namespace(**options)),
            host=options["host"],
            port=options["port"],
            stop=stop,
            announce=self._announce,
            read_prices=read_prices,
        )

    def _announce(self, address: str) -> None:
        self.stdout.write(f"paper exchange listening on {address}")
        self.stdout.flush()


def _reader(exchange: str) -> ReadPrices:
    try:
        gateway.supported(exchange)
    except VenueNotSupported as error:
        raise CommandError(f"--follow: {error}") from error

    async def read() -> dict[str, Decimal]:
        quotes = await gateway.fetch_quotes(exchange)
        return {symbol: quote.last for symbol, quote in quotes.items()}

    return read
