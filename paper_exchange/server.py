"""Running the exchange: the socket it listens on and the ticks of its market."""

import asyncio
import gc
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

from aiohttp import web

from . import sockets
from .dispatch import Dispatcher
from .prices import TICK_SECONDS, ReadPrices, follow
from .venue import Options, Venue

FOLLOW_SECONDS = 1.0
SAVE_PRICES_SECONDS = 10.0
POINTS_PER_CANDLE = 4


def create_app(options: Options) -> Venue:
    """The exchange without a socket, its journal replayed. `listen` puts it on one."""
    return Venue(options)


@asynccontextmanager
async def listen(
    venue: Venue, *, host: str, port: int, read_prices: ReadPrices | None = None
) -> AsyncIterator[str]:
    """The running exchange; yields its address, which names the real port when `port` is 0."""
    # Said to the server, as the runner passes nothing on. A line for each request cost a quarter of it.
    server = web.Server(Dispatcher(venue).handle, access_log=None, keepalive_timeout=75.0)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, host, port, backlog=4096, reuse_address=True)
    await site.start()
    tasks = [asyncio.create_task(work) for work in _works(venue, read_prices)]
    try:
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await venue.streams.close()
        await runner.cleanup()
        venue.close()


async def serve(
    options: Options,
    *,
    host: str,
    port: int,
    stop: asyncio.Event,
    announce: Callable[[str], None],
    read_prices: ReadPrices | None = None,
) -> None:
    """Run until `stop` is set; `announce` is told the address once requests are answered."""
    # Orders are kept for good and hang in no circle: looking for circles over and over finds nothing.
    gc.set_threshold(100_000, 50, 1000)
    async with listen(create_app(options), host=host, port=port, read_prices=read_prices) as address:
        announce(address)
        await stop.wait()


def _works(venue: Venue, read_prices: ReadPrices | None) -> list[Coroutine[None, None, None]]:
    works: list[Coroutine[None, None, None]] = [_walk(venue), _replay(venue), _save_prices(venue)]
    if read_prices is not None:
        works.append(follow(read_prices, venue.take_prices, FOLLOW_SECONDS))
    return works


async def _walk(venue: Venue) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time()
    for tick in itertools.count():
        due = max(due + TICK_SECONDS, loop.time())
        await asyncio.sleep(due - loop.time())
        moved = venue.prices.step()
        for name in moved:
            venue.moved(name)
        if venue.streams.markets:
            sockets.broadcast_books(venue, moved)
            if tick % 4 == 0:
                sockets.broadcast_tickers(venue)


async def _replay(venue: Venue) -> None:
    while venue.prices.replayed():
        await asyncio.sleep(venue.options.candle_seconds / POINTS_PER_CANDLE)
        for name in venue.prices.replayed():
            if venue.prices.step_replay(name):
                venue.moved(name)
                sockets.broadcast_books(venue, [name])


async def _save_prices(venue: Venue) -> None:
    while True:
        await asyncio.sleep(SAVE_PRICES_SECONDS)
        venue.save_prices()
