"""`python -m paper_exchange`: run the exchange until SIGTERM or SIGINT."""

import argparse
import asyncio
import signal
from collections.abc import Sequence
from pathlib import Path

import uvloop

from .server import serve
from .venue import Options


def add_arguments(arguments: argparse.ArgumentParser) -> None:
    """The options, also of whoever starts the exchange by another command."""
    arguments.add_argument("--host", default="127.0.0.1")
    arguments.add_argument("--port", type=int, default=9900, help="0 takes a free one")
    arguments.add_argument("--seed", type=int, default=1, help="of prices and random faults")
    arguments.add_argument(
        "--volatility", type=float, default=0.03, help="deviation of a day's price, 0.03 = 3 %%"
    )
    arguments.add_argument("--latency", type=int, default=0, metavar="MS", help="added to every answer")
    arguments.add_argument(
        "--journal", type=Path, metavar="FILE", help="keep accounts and orders over restarts"
    )
    arguments.add_argument(
        "--candles", type=Path, metavar="FILE", help="replay date,open,high,low,close,volume"
    )
    arguments.add_argument("--candles-symbol", metavar="NAME", help="default: from the file's name")
    arguments.add_argument("--candle-seconds", type=float, default=1.0, help="how long one row takes")


def options_of(arguments: argparse.Namespace) -> Options:
    return Options(
        seed=arguments.seed,
        volatility=arguments.volatility,
        latency_ms=arguments.latency,
        journal=arguments.journal,
        candles=arguments.candles,
        candles_symbol=arguments.candles_symbol,
        candle_seconds=arguments.candle_seconds,
    )


async def run(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(
        options_of(arguments),
        host=arguments.host,
        port=arguments.port,
        stop=stop,
        announce=lambda address: print(f"paper exchange listening on {address}", flush=True),
    )


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="paper_exchange", description="A paper exchange, Binance's spot protocol."
    )
    add_arguments(parser)
    try:
        uvloop.run(run(parser.parse_args(given)))
    except (OSError, ValueError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
