"""What the venues' own error codes mean. Only what is listed is final or surely not placed.

Left out on purpose, because they leave the outcome unknown: Binance's -1000, -1001, -1004, -1006, -1007
and -1008, Bybit's 10000 and 10016, OKX's 50001, 50004, 50026 and 51149, Kraken's EService:Busy and
EService:Unavailable.
"""

from __future__ import annotations

from collections.abc import Mapping

from exchanges.errors import (
    BadCredentials,
    ClockSkewed,
    DuplicateOrder,
    ExchangeError,
    FilterRefused,
    InsufficientFunds,
    NotPlaced,
    RateLimited,
    Rejected,
    SymbolUnknown,
)

Meaning = type[ExchangeError]

# Binance answers many different refusals with the same code; the text tells them apart, so it is asked first.
BINANCE_TEXTS: Mapping[str, Meaning] = {
    "duplicate order": DuplicateOrder,
    "insufficient balance": InsufficientFunds,
    "market is closed": NotPlaced,
    "symbol is halted": NotPlaced,
    "may not place or cancel orders": BadCredentials,
    "trading is not enabled": BadCredentials,
    "action is disabled on this account": BadCredentials,
    "don't have permission": BadCredentials,
    "under maintenance": NotPlaced,
}

BINANCE: Mapping[str, Meaning] = {
    "-1002": BadCredentials,
    "-1003": RateLimited,
    "-1013": FilterRefused,
    "-1014": FilterRefused,
    "-1015": RateLimited,
    "-1016": NotPlaced,
    "-1020": FilterRefused,
    "-1021": ClockSkewed,
    "-1022": BadCredentials,
    "-1034": RateLimited,
    "-1099": BadCredentials,
    "-1100": FilterRefused,
    "-1101": FilterRefused,
    "-1102": FilterRefused,
    "-1103": FilterRefused,
    "-1104": FilterRefused,
    "-1105": FilterRefused,
    "-1106": FilterRefused,
    "-1108": FilterRefused,
    "-1111": FilterRefused,
    "-1112": NotPlaced,
    "-1114": FilterRefused,
    "-1115": FilterRefused,
    "-1116": FilterRefused,
    "-1117": FilterRefused,
    "-1121": SymbolUnknown,
    "-1128": FilterRefused,
    "-1130": FilterRefused,
    "-1131": FilterRefused,
    "-2008": BadCredentials,
    "-2010": Rejected,
    "-2014": BadCredentials,
    "-2015": BadCredentials,
}

BYBIT: Mapping[str, Meaning] = {
    "10014": DuplicateOrder,
    "12141": DuplicateOrder,
    "110072": DuplicateOrder,
    "170141": DuplicateOrder,
    "10002": ClockSkewed,
    "10003": BadCredentials,
    "10004": BadCredentials,
    "10005": BadCredentials,
    "10007": BadCredentials,
    "10008": BadCredentials,
    "10009": BadCredentials,
    "10010": BadCredentials,
    "33004": BadCredentials,
    "10006": RateLimited,
    "10018": RateLimited,
    "170033": InsufficientFunds,
    "170131": InsufficientFunds,
    "170121": SymbolUnknown,
    "170132": FilterRefused,
    "170133": FilterRefused,
    "170134": FilterRefused,
    "170136": FilterRefused,
    "170137": FilterRefused,
    "170140": FilterRefused,
}

OKX: Mapping[str, Meaning] = {
    "51016": DuplicateOrder,
    "50011": RateLimited,
    "50061": RateLimited,
    "50036": NotPlaced,
    "50102": ClockSkewed,
    "50100": BadCredentials,
    "50101": BadCredentials,
    "50103": BadCredentials,
    "50104": BadCredentials,
    "50105": BadCredentials,
    "50110": BadCredentials,
    "50111": BadCredentials,
    "50113": BadCredentials,
    "50114": BadCredentials,
    "50119": BadCredentials,
    "50120": BadCredentials,
    "51001": SymbolUnknown,
    "51008": InsufficientFunds,
    "51119": InsufficientFunds,
    "51131": InsufficientFunds,
    "51020": FilterRefused,
    "51121": FilterRefused,
}

# Kraken's codes are sentences; some carry more words after the one below. Asked in this order.
KRAKEN: Mapping[str, Meaning] = {
    # How a duplicate is worded is not documented: whatever names our id is looked up, not given up.
    "cl_ord_id": DuplicateOrder,
    "EAPI:Invalid nonce": ClockSkewed,
    "EAPI:Invalid key": BadCredentials,
    "EAPI:Invalid signature": BadCredentials,
    "EAPI:Feature disabled": BadCredentials,
    "EGeneral:Permission denied": BadCredentials,
    "EAccount:Invalid permissions": BadCredentials,
    "EAPI:Rate limit exceeded": RateLimited,
    "EOrder:Rate limit exceeded": RateLimited,
    "EGeneral:Temporary lockout": RateLimited,
    "EOrder:Orders limit exceeded": RateLimited,
    "EService:Market in cancel_only mode": NotPlaced,
    "EService:Market in post_only mode": NotPlaced,
    "EService:Deadline elapsed": NotPlaced,
    "EOrder:Insufficient funds": InsufficientFunds,
    "EQuery:Unknown asset pair": SymbolUnknown,
    "EOrder:Order minimum not met": FilterRefused,
    "EOrder:Cost minimum not met": FilterRefused,
    "EOrder:Tick size check failed": FilterRefused,
    "EOrder:Invalid price": FilterRefused,
    "EGeneral:Invalid arguments": FilterRefused,
}

KUCOIN: Mapping[str, Meaning] = {
    "126044": DuplicateOrder,
    "200004": InsufficientFunds,
    "400001": BadCredentials,
    "400002": ClockSkewed,
    "400003": BadCredentials,
    "400004": BadCredentials,
    "400005": BadCredentials,
    "400006": BadCredentials,
    "400007": BadCredentials,
    "411100": BadCredentials,
    "429000": RateLimited,
    "900001": SymbolUnknown,
}

BITGET: Mapping[str, Meaning] = {
    "40786": DuplicateOrder,
    "40005": ClockSkewed,
    "40008": ClockSkewed,
    "40006": BadCredentials,
    "40009": BadCredentials,
    "40011": BadCredentials,
    "40012": BadCredentials,
    "40014": BadCredentials,
    "40018": BadCredentials,
    "40037": BadCredentials,
    "43012": InsufficientFunds,
    "45110": FilterRefused,
}

# A venue that says this does not know the order: an answer, not a failure.
NOT_FOUND: Mapping[str, frozenset[str]] = {
    "binance": frozenset({"-2011", "-2013"}),
    "bybit": frozenset({"110001", "170213"}),
    "okx": frozenset({"51603"}),
    "kraken": frozenset({"EOrder:Unknown order"}),
}

TABLES: Mapping[str, Mapping[str, Meaning]] = {
    "binance": BINANCE,
    "bybit": BYBIT,
    "okx": OKX,
    "kucoin": KUCOIN,
    "bitget": BITGET,
}
