"""What a key may do, asked of the venue itself. A venue's answer that cannot be read raises, never passes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from exchanges.types import KeyInfo

Reader = Callable[[Any], Awaitable[KeyInfo]]


async def _binance(api: Any) -> KeyInfo:
    limits = await api.sapiGetAccountApiRestrictions()
    account = await api.privateGetAccount({"omitZeroBalances": "true"})
    names = tuple(sorted(name for name, value in limits.items() if value is True))
    return KeyInfo(
        # canWithdraw of the account is the account's, not the key's.
        can_trade=_flag(limits["enableSpotAndMarginTrading"]) and _flag(account["canTrade"]),
        can_withdraw=_flag(limits["enableWithdrawals"]),
        ip_restricted=_flag(limits["ipRestrict"]),
        venue_account_id=_text(account["uid"]),
        permissions=names,
        mode={},
    )


async def _bybit(api: Any) -> KeyInfo:
    told = (await api.privateGetV5UserQueryApi())["result"]
    await api.is_unified_enabled()
    granted = {group: list(rights) for group, rights in told["permissions"].items() if rights}
    names = (f"{group}.{right}" for group, rights in granted.items() for right in rights)
    mode = ("enableUnifiedMargin", "enableUnifiedAccount", "unifiedMarginStatus")
    return KeyInfo(
        can_trade=str(told["readOnly"]) == "0" and "SpotTrade" in granted.get("Spot", []),
        can_withdraw="Withdraw" in told["permissions"]["Wallet"],
        ip_restricted=bool(told["ips"]) and "*" not in told["ips"],
        venue_account_id=_text(told["userID"]),
        permissions=tuple(sorted(names)),
        mode={name: api.options[name] for name in mode},
    )


async def _okx(api: Any) -> KeyInfo:
    told = (await api.privateGetAccountConfig())["data"][0]
    granted = tuple(sorted(right for right in told["perm"].split(",") if right))
    return KeyInfo(
        can_trade="trade" in granted,
        can_withdraw="withdraw" in granted,
        ip_restricted=bool(told["ip"]),
        venue_account_id=_text(told["uid"]),
        permissions=granted,
        mode={},
    )


async def _kraken(api: Any) -> KeyInfo:
    told = (await api.privatePostGetApiKeyInfo())["result"]
    granted = tuple(sorted(told["permissions"]))
    if not granted:
        raise ValueError("a key without a single permission")
    return KeyInfo(
        can_trade="modify-trades" in granted,
        can_withdraw=any("withdraw" in right for right in granted),
        ip_restricted=bool(told["ipAllowlist"]),
        venue_account_id=_text(told["iban"]),
        permissions=granted,
        mode={},
    )


async def _kucoin(api: Any) -> KeyInfo:
    told = (await api.privateGetUserApiKey())["data"]
    granted = tuple(sorted(right.strip() for right in told["permission"].split(",")))
    unified = await api.is_uta_enabled()
    return KeyInfo(
        can_trade="Spot" in granted or "Unified" in granted,
        can_withdraw=any("withdraw" in right.lower() for right in granted),
        ip_restricted=bool(told.get("ipWhitelist")),
        venue_account_id=_text(told["uid"]),
        permissions=granted,
        mode={"uta": unified},
    )


async def _bitget(api: Any) -> KeyInfo:
    told = (await api.privateSpotGetV2SpotAccountInfo())["data"]
    granted = tuple(sorted(told["authorities"]))
    unified, _ = await api.handle_uta_and_params({}, "fetchBalance", False)
    return KeyInfo(
        can_trade="stow" in granted or "trade" in granted,
        can_withdraw=any("withdraw" in right.lower() or right == "wtow" for right in granted),
        ip_restricted=bool(told.get("ips")),
        venue_account_id=_text(told["userId"]),
        permissions=granted,
        mode={"uta": unified},
    )


READERS: Mapping[str, Reader] = {
    "binance": _binance,
    "bybit": _bybit,
    "okx": _okx,
    "kraken": _kraken,
    "kucoin": _kucoin,
    "bitget": _bitget,
}


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, got {type(value).__name__}")
    return value


def _text(value: object) -> str:
    text = str(value or "")
    if not text:
        raise ValueError("the venue did not name the account")
    return text
