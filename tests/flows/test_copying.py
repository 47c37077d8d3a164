"""One master's trade through all real processes, undisturbed and disturbed."""

import signal
from typing import Any

import pytest
import redis

from tests.flows.platform_run import PlatformRun, eventually

pytestmark = [pytest.mark.flow, pytest.mark.xdist_group("platform")]


def trade(platform: PlatformRun, name: str, followers: int, *, held: int = 0) -> dict[str, Any]:
    """A strategy that is being watched, whose master has just bought.

    The orders of `held` followers reach the exchange, but when it looks at them they are too old for it.
    """
    built: dict[str, Any] = platform.inside("build", name=name, followers=followers)
    eventually(lambda: platform.inside("is_watched", strategy=built["strategy"]), bool)
    hold = {"kind": "hold", "endpoint": "order", "seconds": 20}
    platform.control("POST", "faults", [hold | {"key": key} for key in built["keys"][:held]])
    built["bought"] = platform.inside("master_trades", strategy=built["strategy"], side="buy", share="0.1")
    return built


def settled(platform: PlatformRun, built: dict[str, Any], signals: int = 1) -> dict[str, Any]:
    standing: dict[str, Any] = eventually(
        lambda: platform.inside("standing", strategy=built["strategy"], signals=signals),
        lambda standing: standing["is_final"],
    )
    return standing | {"unequal": platform.inside("positions_that_differ", strategy=built["strategy"])}


def assert_everybody_once(standing: dict[str, Any], signals: int = 1) -> None:
    assert standing["statuses"] == {"filled": standing["followers"] * signals}, standing
    assert (standing["lost"], standing["doubled"], standing["unequal"]) == ([], [], [])
    assert standing["trades"] == standing["followers"] * signals


def test_a_masters_trade_reaches_every_follower_once_and_is_in_the_books(platform: PlatformRun) -> None:
    built = trade(platform, "undisturbed", 40)
    assert_everybody_once(settled(platform, built))

    platform.inside("master_trades", strategy=built["strategy"], side="sell", share="1")
    assert_everybody_once(settled(platform, built, signals=2), signals=2)


def test_a_worker_killed_in_the_middle_of_a_fan_out_loses_and_doubles_nothing(platform: PlatformRun) -> None:
    built = trade(platform, "killed", 200, held=100)
    seen = eventually(lambda: platform.accepted(built["keys"]), lambda count: count >= 20)
    assert seen < 200, "the kill came too late to prove anything"
    platform.kill("trading")
    platform.control("DELETE", "faults")
    platform.platform.restart("trading")

    assert_everybody_once(settled(platform, built))


def test_a_worker_told_to_stop_finishes_what_it_has_and_loses_nothing(platform: PlatformRun) -> None:
    built = trade(platform, "stopped", 200, held=100)
    eventually(lambda: platform.accepted(built["keys"]), lambda count: count >= 20)
    platform.kill("trading", signal.SIGTERM)
    platform.platform.children["trading"].process.wait(timeout=60)
    platform.control("DELETE", "faults")
    platform.platform.restart("trading")

    assert_everybody_once(settled(platform, built))


def test_a_broker_emptied_between_commit_and_work_stops_nobody(platform: PlatformRun) -> None:
    built = platform.inside("build", name="emptied", followers=40)
    eventually(lambda: platform.inside("is_watched", strategy=built["strategy"]), bool)
    platform.kill("trading")
    platform.inside("master_trades", strategy=built["strategy"], side="buy", share="0.1")
    broker = redis.Redis.from_url(platform.platform.env["REDIS_URL"])
    eventually(lambda: platform.inside("signals_not_written", strategy=built["strategy"]), bool)
    broker.flushdb()
    broker.close()
    platform.platform.restart("trading")

    assert_everybody_once(settled(platform, built))


def test_trades_made_while_nobody_watched_are_found_and_exits_copied(platform: PlatformRun) -> None:
    built = trade(platform, "unwatched", 10)
    assert_everybody_once(settled(platform, built))
    platform.kill("watcher")
    platform.inside("master_trades", strategy=built["strategy"], side="sell", share="1")
    platform.platform.restart("watcher")

    assert_everybody_once(settled(platform, built, signals=2), signals=2)
