"""One loop per process, from any thread, also after a fork."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest

from exchanges import loop


async def _loop_id() -> int:
    return id(asyncio.get_running_loop())


def test_every_thread_shares_one_loop() -> None:
    ids: list[int] = []
    threads = [threading.Thread(target=lambda: ids.append(loop.run(_loop_id(), 5))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8
    assert len(set(ids)) == 1


def test_a_coroutine_that_takes_too_long_is_cancelled() -> None:
    ended = threading.Event()

    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        loop.run(slow(), 0.01)
    assert ended.wait(5)


def test_the_loops_own_thread_may_not_wait_for_itself() -> None:
    async def inside() -> None:
        loop.run(_loop_id(), 1)

    with pytest.raises(RuntimeError, match="await"):
        loop.run(inside(), 5)


def test_an_error_reaches_the_caller() -> None:
    async def failing() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        loop.run(failing(), 5)


def test_a_forked_child_gets_a_loop_of_its_own() -> None:
    loop.run(_loop_id(), 5)
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if loop.run(_loop_id(), 5) else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_after_closing_the_next_call_starts_a_new_loop() -> None:
    before = loop._running_loop()
    loop.close()
    assert before.is_closed()
    assert loop.run(_loop_id(), 5)


def test_closing_ends_what_still_runs() -> None:
    started, ended = threading.Event(), threading.Event()

    async def endless() -> None:
        started.set()
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()

    loop.submit(endless())
    assert started.wait(5)
    loop.close()
    assert ended.is_set()
