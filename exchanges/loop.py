"""One event loop in one thread per process, for every call to an exchange, from any synchronous thread.

Sessions and connections belong to the loop they were made on, so there must be exactly one.
It starts with the first call, a forked child gets its own, and it is closed when the process exits.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import uvloop

Result = TypeVar("Result")

_CLOSING_SECONDS = 3.0

_guard = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_thread: threading.Thread | None = None
_closers: list[Callable[[], Awaitable[None]]] = []


def submit(coroutine: Coroutine[Any, Any, Result]) -> concurrent.futures.Future[Result]:
    """Start it on the loop and return at once; callable from any thread, the loop's own included."""
    return asyncio.run_coroutine_threadsafe(coroutine, _running_loop())


def run(coroutine: Coroutine[Any, Any, Result], timeout: float | None = None) -> Result:
    """Run it on the loop and wait; after `timeout` seconds it is cancelled and TimeoutError raised."""
    if threading.current_thread() is _thread:
        coroutine.close()
        raise RuntimeError("run() would wait for itself on the loop's own thread: await instead")
    future = submit(coroutine)
    try:
        return future.result(timeout)
    except concurrent.futures.TimeoutError:
        future.cancel()
        raise


def before_close(closer: Callable[[], Awaitable[None]]) -> None:
    """Have `closer` awaited on the loop before it stops."""
    _closers.append(closer)


def close() -> None:
    """Stop the loop and its thread; the next call starts new ones."""
    global _loop, _thread
    with _guard:
        loop, thread = _loop, _thread
        _loop = _thread = None
    if loop is None or thread is None:
        return
    farewell = asyncio.run_coroutine_threadsafe(_say_farewell(), loop)
    concurrent.futures.wait([farewell], timeout=_CLOSING_SECONDS)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(_CLOSING_SECONDS)


def _running_loop() -> asyncio.AbstractEventLoop:
    global _loop, _thread
    with _guard:
        if _loop is None:
            _loop = uvloop.new_event_loop()
            _thread = threading.Thread(target=_serve, args=(_loop,), name="exchanges", daemon=True)
            _thread.start()
        return _loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()


async def _say_farewell() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    for closer in _closers:
        await closer()


def _forget_in_child() -> None:
    # The thread does not survive a fork, and the lock may have been held by it.
    global _guard, _loop, _thread
    _guard = threading.Lock()
    _loop = _thread = None


os.register_at_fork(after_in_child=_forget_in_child)
atexit.register(close)
