"""How each family of chains writes an address: what is wrong with one raises NotAnAddress, what is right
comes back in its one canonical form.
"""

from __future__ import annotations

import re
from binascii import crc32
from collections.abc import Callable
from typing import TypeVar

import cbor2
from bip_utils import (
    Base58ChecksumError,
    Base58Decoder,
    BchBech32Decoder,
    Bech32ChecksumError,
    Bech32Decoder,
    SegwitBech32Decoder,
    SS58ChecksumError,
    SS58Decoder,
)
from eth_utils.address import to_checksum_address
from pytoniq_core import Address as TonAddress
from pytoniq_core import AddressError as TonAddressError

Canonical = Callable[[str], str]
Answer = TypeVar("Answer")
# As a decoder of another's may answer: all of them mean that this text is no address.
NOT_DECODED = (
    *(ValueError, TypeError, LookupError, AttributeError, OverflowError),
    *(Base58ChecksumError, Bech32ChecksumError, SS58ChecksumError),
)

EVM = re.compile(r"0x[0-9a-fA-F]{40}|0X[0-9A-F]{40}", re.ASCII)
TON_FRIENDLY = re.compile(r"[A-Za-z0-9_-]{48}|[A-Za-z0-9+/]{48}", re.ASCII)
TON_RAW = re.compile(r"(?:0|-1):[0-9a-fA-F]{64}", re.ASCII)
TON_BOUNCEABLE, TON_NON_BOUNCEABLE, TON_TEST_ONLY = 0x11, 0x51, 0x80
NEAR_NAME = re.compile(r"(?:(?:[a-z\d]+[-_])*[a-z\d]+\.)+(?:near|tg|aurora|sweat|kaiching)", re.ASCII)
NEAR_IMPLICIT = re.compile(r"[0-9a-f]{64}", re.ASCII)
HASH, TAPROOT = 20, 32
CARDANO_LENGTHS = {0: 57, 1: 57, 2: 57, 3: 57, 6: 29, 7: 29}
CARDANO_MAIN_NET = 1
BCH_VERSIONS = {0x00: 20, 0x08: 20, 0x0B: 32, 0x10: 20, 0x18: 20, 0x1B: 32}


class NotAnAddress(ValueError):
    """This text is no address of the network."""


class TestNetwork(NotAnAddress):
    """An address, but one of a network for trying things out."""


def bitcoin_like(*, versions: tuple[int, ...], hrp: str, takes_taproot: bool) -> Canonical:
    """Base58 with these version bytes, or segregated witness as BIP-173 and BIP-350 have it."""

    def canonical(text: str) -> str:
        if text.lower().startswith(f"{hrp}1"):
            return _segwit(text, hrp, takes_taproot=takes_taproot)
        return base58_check(text, versions)

    return canonical


def _segwit(text: str, hrp: str, *, takes_taproot: bool) -> str:
    version, program = _decoded(SegwitBech32Decoder.Decode, hrp, text)
    # Of later versions anybody could take the coins, until they mean something.
    if not (version == 0 and len(program) in {HASH, 32}) and not (
        takes_taproot and version == 1 and len(program) == TAPROOT
    ):
        raise NotAnAddress
    return text.lower()


def base58_check(text: str, versions: tuple[int, ...]) -> str:
    payload = _decoded(Base58Decoder.CheckDecode, text)
    if len(payload) != 1 + HASH or payload[0] not in versions:
        raise NotAnAddress
    return text


def bitcoin_cash(text: str) -> str:
    """With its prefix, which may be left out; the old form is Bitcoin's and says nothing."""
    prefix = "BITCOINCASH:" if text.isupper() else "bitcoincash:"
    whole = text if ":" in text else prefix + text
    version, program = _decoded(BchBech32Decoder.Decode, "bitcoincash", whole)
    if BCH_VERSIONS.get(version[0]) != len(program):
        raise NotAnAddress
    return whole.lower()


def evm(text: str) -> str:
    """EIP-55; all letters small or all capital carry no checksum, and get one."""
    if not EVM.fullmatch(text):
        raise NotAnAddress
    digits = text[2:]
    checked = str(to_checksum_address("0x" + digits.lower()))
    if digits not in {checked[2:], digits.lower(), digits.upper()} or not int(digits, 16):
        raise NotAnAddress
    return checked


def solana(text: str) -> str:
    """32 bytes without a checksum: a slip of the pen is not noticed."""
    key = _decoded(Base58Decoder.Decode, text) if 32 <= len(text) <= 44 else b""
    if len(key) != 32 or not any(key):
        raise NotAnAddress
    return text


def ton(text: str) -> str:
    """The form for people in the alphabet for addresses; the raw form gets it too."""
    if TON_RAW.fullmatch(text):
        return str(TonAddress(text).to_str())
    if not TON_FRIENDLY.fullmatch(text):
        raise NotAnAddress
    url_safe = text.replace("+", "-").replace("/", "_")
    try:
        address = TonAddress(url_safe)
    except (*NOT_DECODED, TonAddressError) as error:
        raise NotAnAddress from error
    if address.is_test_only:
        raise TestNetwork
    shown = str(address.to_str(is_bounceable=address.is_bounceable))
    # Any other flag or workchain comes out differently.
    if shown != url_safe or address.wc not in {0, -1}:
        raise NotAnAddress
    return url_safe


def cardano(text: str) -> str:
    if text.lower().startswith("addr1"):
        payload = _decoded(Bech32Decoder.Decode, "addr", text)
        kind, network = payload[0] >> 4, payload[0] & 15
        if network != CARDANO_MAIN_NET or CARDANO_LENGTHS.get(kind) != len(payload):
            raise NotAnAddress
        return text.lower()
    return _cardano_byron(text)


def _cardano_byron(text: str) -> str:
    """CBOR of the address's own CBOR and its CRC-32; a network other than the main one is named in it."""
    raw = _decoded(Base58Decoder.Decode, text) if len(text) <= 120 else b""
    try:
        payload, checksum = cbor2.loads(raw)
        root, attributes, kind = cbor2.loads(payload.value)
        again = cbor2.dumps([payload, checksum])
    except (*NOT_DECODED, cbor2.CBORError) as error:
        raise NotAnAddress from error
    if payload.tag != 24 or crc32(payload.value) != checksum or again != raw:
        raise NotAnAddress
    if not isinstance(attributes, dict) or len(root) != 28 or kind not in {0, 1, 2}:
        raise NotAnAddress
    if 2 in attributes:
        raise TestNetwork
    return text


def polkadot(text: str) -> str:
    prefix, key = _decoded(SS58Decoder.Decode, text)
    if prefix != 0 or len(key) != 32:
        raise NotAnAddress
    return text


def cosmos(text: str) -> str:
    if len(_decoded(Bech32Decoder.Decode, "cosmos", text)) not in {20, 32}:
        raise NotAnAddress
    return text.lower()


def near(text: str) -> str:
    """64 hexadecimal digits, or a name below one of the main network's own."""
    if not NEAR_IMPLICIT.fullmatch(text) and not (len(text) <= 64 and NEAR_NAME.fullmatch(text)):
        raise NotAnAddress
    return text


def _decoded(decode: Callable[..., Answer], *given: str) -> Answer:
    try:
        return decode(*given)
    except NOT_DECODED as error:
        raise NotAnAddress from error
