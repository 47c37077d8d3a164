"""What a key may do; what cannot be read counts as able to withdraw."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from exchanges import gateway, loop
from exchanges.errors import BadCredentials, Unavailable
from exchanges.types import Account, Credentials, KeyInfo

KEYS = Credentials("KEY", "c2VjcmV0", "PASSPHRASE")
Wired = Callable[..., Any]

pytestmark = pytest.mark.usefixtures("every_venue_offered")


def info(account: Account) -> KeyInfo:
    return loop.run(gateway.fetch_key_info(account), 10)


def test_a_paper_key_trades_and_cannot_withdraw(account: Account) -> None:
    told = info(account)
    assert told.can_trade
    assert not told.can_withdraw
    assert told.venue_account_id
    assert told.venue_account_id == info(account).venue_account_id


def test_a_paper_key_that_may_withdraw_says_so(paper: Any) -> None:
    connection = http.client.HTTPConnection(paper.url.removeprefix("http://"), timeout=5)
    connection.request(
        "POST", "/paper/accounts", json.dumps({"balances": {"USDT": "1"}, "can_withdraw": True})
    )
    opened = json.loads(connection.getresponse().read())
    connection.close()
    assert info(Account("paper", Credentials(opened["api_key"], opened["secret"]))).can_withdraw


def test_a_wrong_key_is_refused_as_wrong(account: Account) -> None:
    with pytest.raises(BadCredentials):
        info(replace(account, credentials=Credentials("no-such-key", "x")))


def test_a_silent_venue_is_unavailable_not_unreadable(paper: Any, account: Account) -> None:
    paper.fail(kind="html", status=502, endpoint="any", key=account.credentials.api_key, count=1)
    with pytest.raises(Unavailable):
        info(account)


BINANCE_LIMITS = {
    "ipRestrict": True,
    "enableReading": True,
    "enableWithdrawals": False,
    "enableInternalTransfer": False,
    "enableSpotAndMarginTrading": True,
}
BYBIT_KEY = {
    "retCode": 0,
    "result": {
        "readOnly": 0,
        "permissions": {"Spot": ["SpotTrade"], "Wallet": ["AccountTransfer"], "Options": []},
        "ips": ["*"],
        "userID": 24617703,
        "uta": 1,
        "unified": 0,
    },
}
BYBIT_ACCOUNT = {"retCode": 0, "result": {"unifiedMarginStatus": 5}}


def bybit(**changes: Any) -> list[Any]:
    key = {"retCode": 0, "result": {**BYBIT_KEY["result"], **changes}}  # type: ignore[dict-item]
    return [key, key, BYBIT_ACCOUNT]


def okx(**changes: Any) -> list[Any]:
    told = {"perm": "read_only,trade", "ip": "", "uid": "44705892343619584", **changes}
    return [{"code": "0", "data": [told]}]


def kraken(**changes: Any) -> list[Any]:
    told = {
        "permissions": ["query-funds", "modify-trades"],
        "iban": "AA88 N84G",
        "ipAllowlist": [],
        **changes,
    }
    return [{"error": [], "result": told}]


def kucoin(**changes: Any) -> list[Any]:
    told = {"permission": "General, Spot", "uid": 1, "ipWhitelist": "1.2.3.4", **changes}
    return [{"code": "200000", "data": told}, {"code": "200000", "data": {"selfAccountMode": "CLASSIC"}}]


def bitget(**changes: Any) -> list[Any]:
    told = {"userId": "1", "ips": "", "authorities": ["stow", "stor"], **changes}
    return [{"code": "00000", "data": told}, {"code": "00000", "data": {}}]


def binance(**changes: Any) -> list[Any]:
    return [{**BINANCE_LIMITS, **changes}, {"uid": 354937868, "canTrade": True, "canWithdraw": True}]


HARMLESS = {
    "binance": binance(),
    "bybit": bybit(),
    "okx": okx(),
    "kraken": kraken(),
    "kucoin": kucoin(),
    "bitget": bitget(),
}
DANGEROUS = {
    "binance": binance(enableWithdrawals=True),
    "bybit": bybit(permissions={"Spot": ["SpotTrade"], "Wallet": ["Withdraw"]}),
    "okx": okx(perm="read_only,withdraw,trade"),
    "kraken": kraken(permissions=["modify-trades", "withdraw-funds"]),
    "kucoin": kucoin(permission="General,Spot,Withdrawal"),
    "bitget": bitget(authorities=["stow", "withdraw"]),
}
UNREADABLE = {
    "binance": [{"ipRestrict": True}, {"uid": 1, "canTrade": True}],
    "bybit": bybit(permissions={"Spot": ["SpotTrade"]}),
    "okx": [{"code": "0", "data": []}],
    "kraken": kraken(permissions=[]),
    "kucoin": kucoin(permission=None),
    "bitget": bitget(authorities=None),
}


@pytest.mark.parametrize("exchange", sorted(HARMLESS))
def test_a_key_that_only_trades_passes(exchange: str, wired: Wired) -> None:
    wired(exchange, *HARMLESS[exchange])
    told = info(Account(exchange, KEYS))
    assert told.can_trade
    assert not told.can_withdraw
    assert told.venue_account_id


@pytest.mark.parametrize("exchange", sorted(DANGEROUS))
def test_a_key_that_may_withdraw_is_seen(exchange: str, wired: Wired) -> None:
    wired(exchange, *DANGEROUS[exchange])
    assert info(Account(exchange, KEYS)).can_withdraw


@pytest.mark.parametrize("exchange", sorted(UNREADABLE))
def test_permissions_that_cannot_be_read_count_as_able_to_withdraw(exchange: str, wired: Wired) -> None:
    wired(exchange, *UNREADABLE[exchange])
    told = info(Account(exchange, KEYS))
    assert told.can_withdraw
    assert not told.can_trade


def test_the_accounts_mode_is_read_once_and_kept_for_later_calls(wired: Wired) -> None:
    wired("bybit", *HARMLESS["bybit"])
    assert dict(info(Account("bybit", KEYS)).mode) == {
        "enableUnifiedMargin": False,
        "enableUnifiedAccount": True,
        "unifiedMarginStatus": 5,
    }
    wired("kucoin", *HARMLESS["kucoin"])
    assert dict(info(Account("kucoin", KEYS)).mode) == {"uta": False}


def test_one_accounts_mode_is_not_anothers(wired: Wired) -> None:
    wired("bybit", *HARMLESS["bybit"], *bybit(uta=0))
    unified = info(Account("bybit", KEYS))
    classic = info(Account("bybit", KEYS))
    assert unified.mode["enableUnifiedAccount"] is True
    assert classic.mode["enableUnifiedAccount"] is False
