"""The networks by name, apart from their rules: trading processes need not load those."""

from __future__ import annotations

NETWORK_NAMES = {
    "bitcoin": "Bitcoin",
    "litecoin": "Litecoin",
    "dogecoin": "Dogecoin",
    "bitcoin_cash": "Bitcoin Cash",
    "ethereum": "Ethereum",
    "bsc": "BNB Smart Chain",
    "polygon": "Polygon",
    "avalanche_c": "Avalanche C-Chain",
    "tron": "TRON",
    "solana": "Solana",
    "xrp": "XRP Ledger",
    "stellar": "Stellar",
    "ton": "TON",
    "cardano": "Cardano",
    "polkadot": "Polkadot",
    "cosmos": "Cosmos Hub",
    "near": "NEAR",
}
# What wallets and exchanges call the memo, where they call it differently.
MEMO_NAMES = {"xrp": "Destination tag", "ton": "Comment"}
# No checksum: a slip of the pen is not noticed.
WITHOUT_CHECKSUM = frozenset({"solana", "near"})
