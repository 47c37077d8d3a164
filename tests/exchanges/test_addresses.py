"""An override moves a venue to another host, with its paths, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from exchanges import clients, gateway, loop
from exchanges.types import Account, Credentials


@pytest.fixture(autouse=True)
def no_overrides_left() -> Any:
    yield
    gateway.configure({}, "")


async def _urls(exchange: str) -> Any:
    return clients.base_of(exchange).instance.urls["api"]


def _hosts(urls: Any) -> set[str]:
    if isinstance(urls, dict):
        return {host for url in urls.values() for host in _hosts(url)}
    return {"/".join(urls.split("/")[:3])} if isinstance(urls, str) else set()


@pytest.mark.parametrize("exchange", ["binance", "okx", "kraken", "bybit", "kucoin", "bitget"])
def test_every_rest_address_of_a_venue_moves(exchange: str) -> None:
    gateway.configure({exchange: "http://127.0.0.1:9/"}, "")
    assert _hosts(loop.run(_urls(exchange), 5)) == {"http://127.0.0.1:9"}


def test_paths_stay() -> None:
    gateway.configure({"binance": "https://sandbox.example"}, "")
    urls = loop.run(_urls("binance"), 5)
    assert urls["private"] == "https://sandbox.example/api/v3"
    assert urls["sapi"] == "https://sandbox.example/sapi/v1"


def test_a_sandbox_may_have_another_host_for_its_stream() -> None:
    where = clients.moved(
        {
            "rest": "https://api.binance.com/api/v3",
            "ws": {"ws-api": {"spot": "wss://x.binance.com:443/ws-api/v3"}},
        },
        {"rest": "https://testnet.example", "ws": "wss://ws.testnet.example/"},
    )
    assert where == {
        "rest": "https://testnet.example/api/v3",
        "ws": {"ws-api": {"spot": "wss://ws.testnet.example/ws-api/v3"}},
    }


def test_the_stream_follows_a_single_address() -> None:
    where = clients.moved({"ws": {"spot": "wss://stream.binance.com:9443/ws"}}, "http://127.0.0.1:9")
    assert where == {"ws": {"spot": "ws://127.0.0.1:9/ws"}}


def test_one_venues_override_leaves_the_others_alone() -> None:
    gateway.configure({"okx": "http://127.0.0.1:9"}, "")
    assert "https://api.binance.com" in _hosts(loop.run(_urls("binance"), 5))


def test_our_keys_never_show_in_a_repr() -> None:
    gateway.configure({}, "http://127.0.0.1:9")
    account = Account("paper", Credentials("KEY-OF-USER", "SECRET-OF-USER", "PASS-OF-USER"))

    async def shown() -> str:
        base = clients.base_of("paper")
        return repr(clients.client_for(base, account)) + repr(base) + repr(account)

    assert "OF-USER" not in loop.run(shown(), 5)
