"""Signals through a secret address of a running platform: copied once, and the secret in no log."""

import json

import pytest
import requests

from tests.flows.platform_run import PlatformRun, eventually
from tests.flows.test_integrator import Integrator

pytestmark = [pytest.mark.flow, pytest.mark.xdist_group("platform")]


def test_a_delivery_sent_four_times_is_copied_once_and_its_address_is_in_no_log(
    platform: PlatformRun,
) -> None:
    master = Integrator(platform, "hook-master@example.com")
    account = master.post("wallets/exchange-accounts/", {"exchange": "paper", "label": "Mine"})
    strategy = master.post(
        "strategies/",
        {
            "name": "By hook",
            "exchange_account": account["id"],
            "symbols": ["ETH/USDT"],
            "status": "published",
        },
    )
    follower = Integrator(platform, "hook-follower@example.com")
    paper = follower.post(
        "wallets/exchange-accounts/", {"exchange": "paper", "label": "Play", "balance": "5000"}
    )
    subscription = follower.post(
        "subscriptions/",
        {
            "strategy": strategy["id"],
            "exchange_account": paper["id"],
            "allocation": "1000",
            "sizing": {"mode": "multiplier", "value": "0.5"},
        },
    )
    webhook = master.post(f"strategies/{strategy['id']}/webhooks/", {})
    body = json.dumps(
        {
            "client_signal_id": "ETHUSDT-60-2026-01-05T12:00:00Z-buy",
            "symbol": "ETH/USDT",
            "side": "buy",
            "type": "market",
            "amount": "0.2",
        }
    )

    def deliver(url: str, text: str) -> requests.Response:
        return requests.post(url, data=text, headers={"Content-Type": "text/plain"}, timeout=30)

    answers = [deliver(webhook["url"], body) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [202, 200, 200, 200]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert deliver(webhook["url"], "crossed").status_code == 400
    assert deliver(webhook["url"].replace("/hooks", "//hooks"), body).status_code == 404

    signal = eventually(
        lambda: master.get(f"strategies/{strategy['id']}/signals/{answers[0].json()['id']}/"),
        lambda signal: signal["status"] == "done",
    )
    assert (signal["copied"], signal["amount"], signal["source"]) == (1, "0.2", "webhook")
    (order,) = follower.get(f"orders/?subscription={subscription['id']}")["results"]
    assert (order["status"], order["filled_amount"]) == ("filled", "0.1")

    revoked = master.send("DELETE", f"strategies/{strategy['id']}/webhooks/{webhook['id']}/")
    assert revoked.status_code == 204
    assert deliver(webhook["url"], body).status_code == 404
    logs = {path: path.read_text(errors="replace") for path in platform.platform.run_dir.rglob("*.log")}
    assert any("/hooks/hidden" in text for text in logs.values())
    secret = webhook["url"].rpartition("/")[2]
    assert [path for path, text in logs.items() if secret in text] == []
