"""An integrator's day, over HTTP alone: accounts, a strategy, a follower, a signal, the copy, the books."""

import secrets
from typing import Any

import pytest
import requests

from tests.flows.platform_run import PlatformRun, eventually

pytestmark = [pytest.mark.flow, pytest.mark.xdist_group("platform")]
PASSWORD = "a-long-password-for-tests"


class Integrator:
    """Somebody with a token; every unsafe request carries a fresh nonce."""

    def __init__(self, platform: PlatformRun, email: str) -> None:
        platform.platform.manage("create_user", email, "--password", PASSWORD)
        self.url = platform.platform.url
        issued = requests.post(
            f"{self.url}/token/issue",
            json={
                "email": email,
                "password": PASSWORD,
                "name": "test",
                "scopes": ["read", "trade", "wallets", "strategies", "kyc"],
            },
            timeout=30,
        )
        assert issued.status_code == 201, issued.text
        self.token = issued.json()["token"]

    def send(self, method: str, path: str, body: Any = None, *, nonce: str = "") -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", "X-Nonce": nonce or secrets.token_hex(8)}
        return requests.request(method, f"{self.url}/api/v1/{path}", json=body, headers=headers, timeout=30)

    def upload(self, path: str, form: dict[str, str], file: bytes) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", "X-Nonce": secrets.token_hex(8)}
        url, files = f"{self.url}/api/v1/{path}", {"file": ("file", file)}
        return requests.post(url, data=form, files=files, headers=headers, timeout=30)

    def get(self, path: str) -> Any:
        answer = self.send("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any) -> Any:
        answer = self.send("POST", path, body)
        assert answer.status_code in (200, 201, 202), answer.text
        return answer.json()


def test_a_signal_sent_over_the_api_is_copied_and_accounted_for(platform: PlatformRun) -> None:
    master = Integrator(platform, "api-master@example.com")
    account = master.post("wallets/exchange-accounts/", {"exchange": "paper", "label": "Mine"})
    strategy = master.post(
        "strategies/",
        {"name": "By API", "exchange_account": account["id"], "symbols": ["ETH/USDT"], "status": "published"},
    )
    follower = Integrator(platform, "api-follower@example.com")
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

    wanted = {
        "client_signal_id": "first",
        "symbol": "ETH/USDT",
        "side": "buy",
        "type": "market",
        "amount": "0.2",
    }
    sent = master.send("POST", f"strategies/{strategy['id']}/signals/", wanted)
    assert sent.status_code == 202, sent.text
    again = master.send("POST", f"strategies/{strategy['id']}/signals/", wanted)
    assert (again.status_code, again.json()["id"]) == (200, sent.json()["id"])

    signal = eventually(
        lambda: master.get(f"strategies/{strategy['id']}/signals/{sent.json()['id']}/"),
        lambda signal: signal["status"] == "done",
    )
    assert (signal["copied"], signal["amount"], signal["source"]) == (1, "0.2", "api")
    (order,) = follower.get(f"orders/?subscription={subscription['id']}")["results"]
    assert (order["status"], order["filled_amount"], order["side"]) == ("filled", "0.1", "buy")
    (trade,) = follower.get(f"trades/?subscription={subscription['id']}")["results"]
    assert (trade["order"], trade["amount"]) == (order["id"], "0.1")
    (position,) = follower.get("positions/")["results"]
    assert position["amount"] == "0.0999"


def test_a_nonce_is_good_for_one_request(platform: PlatformRun) -> None:
    person = Integrator(platform, "nonce@example.com")
    body = {"exchange": "paper", "label": "Once"}
    assert person.send("POST", "wallets/exchange-accounts/", body, nonce="the-same").status_code == 201
    second = person.send("POST", "wallets/exchange-accounts/", body, nonce="the-same")
    assert (second.status_code, second.json()["errors"][0]["code"]) == (409, "nonce_reused")
    assert len(person.get("wallets/exchange-accounts/")["results"]) == 1


def connect(person: Integrator, keys: dict[str, str]) -> requests.Response:
    body = {"exchange": "binance", "label": "Mine", "api_key": keys["api_key"], "secret": keys["secret"]}
    return person.send("POST", "wallets/exchange-accounts/", body)


def test_keys_that_are_wrong_or_can_withdraw_are_refused_before_they_are_stored(
    platform: PlatformRun,
) -> None:
    person = Integrator(platform, "keys@example.com")
    opening = f"{platform.platform.paper_url}/paper/accounts"
    unsafe = requests.post(opening, json={"can_withdraw": True}, timeout=10).json()
    good = requests.post(opening, json={"balances": {"USDT": "100"}}, timeout=10).json()

    for keys, code in (
        ({"api_key": "k" * 64, "secret": "s" * 64}, "invalid_credentials"),
        (good | {"secret": "s" * 64}, "invalid_credentials"),
        (unsafe, "withdrawal_enabled"),
    ):
        answer = connect(person, keys)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, code)
    assert person.get("wallets/exchange-accounts/")["results"] == []
    answer = connect(person, good)
    assert answer.status_code == 201
    assert good["secret"] not in answer.text
