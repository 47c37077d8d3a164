"""Address rules of each network: is this one, in its canonical form, with which memo."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stellar_sdk import MuxedAccount
from stellar_sdk.exceptions import SdkError
from stellar_sdk.strkey import StrKey
from xrpl.core.addresscodec import (
    XRPLAddressCodecException,
    is_valid_classic_address,
    xaddress_to_classic_address,
)

from wallets import encodings
from wallets.encodings import NOT_DECODED, Canonical, NotAnAddress, TestNetwork
from wallets.network_names import NETWORK_NAMES, WITHOUT_CHECKSUM

LONGEST_ADDRESS = 128
WHOLE_NUMBER = re.compile(r"0|[1-9][0-9]{0,19}", re.ASCII)
LARGEST_TAG = 2**32 - 1
STELLAR_TEXT_BYTES, TON_COMMENT_BYTES, COSMOS_MEMO_BYTES = 28, 120, 256
INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
TEST_NETWORKS = re.compile(
    r"(?:tb1|bcrt1|tltc1|bchtest:|bchreg:|addr_test1|[mn2][1-9A-HJ-NP-Za-km-z]{25,34}$)|.*\.testnet$",
    re.ASCII,
)


class InvalidCharacters(ValueError):
    """Something that nobody sees, or a blank, stands inside the `field`."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class InvalidAddress(ValueError):
    """No address of the network; `looks_like` names the networks that have such ones."""

    def __init__(self, *, looks_like: tuple[str, ...] = (), is_test: bool = False) -> None:
        super().__init__("not an address of this network")
        self.looks_like = looks_like
        self.is_test = is_test


class InvalidMemo(ValueError):
    """Not a memo, tag or comment of the network, or not the one that the address carries."""


class MemoRequired(ValueError):
    """An exchange finds the owner of a deposit on this network by its memo only."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where coins go; `memo` is empty where none is wanted."""

    address: str
    memo: str


@dataclass(frozen=True, slots=True)
class Network:
    canonical: Canonical
    # None: the network knows none.
    is_memo: Callable[[str], bool] | None = None
    needs_memo_at_exchange: bool = False


def _is_tag(memo: str) -> bool:
    return bool(WHOLE_NUMBER.fullmatch(memo)) and int(memo) <= LARGEST_TAG


def _is_text_of(limit: int) -> Callable[[str], bool]:
    return lambda memo: len(memo.encode()) <= limit


def _xrp(text: str) -> str:
    if not is_valid_classic_address(text):
        raise NotAnAddress
    return text


def _stellar(text: str) -> str:
    if not StrKey.is_valid_ed25519_public_key(text):
        raise NotAnAddress
    return text


NETWORKS: Mapping[str, Network] = {
    "bitcoin": Network(encodings.bitcoin_like(versions=(0x00, 0x05), hrp="bc", takes_taproot=True)),
    # Script addresses that begin with 3 are Bitcoin's as well: only those with M are unmistakable.
    "litecoin": Network(encodings.bitcoin_like(versions=(0x30, 0x32), hrp="ltc", takes_taproot=True)),
    "dogecoin": Network(lambda text: encodings.base58_check(text, (0x1E, 0x16))),
    "bitcoin_cash": Network(encodings.bitcoin_cash),
    "ethereum": Network(encodings.evm),
    "bsc": Network(encodings.evm),
    "polygon": Network(encodings.evm),
    "avalanche_c": Network(encodings.evm),
    "tron": Network(lambda text: encodings.base58_check(text, (0x41,))),
    "solana": Network(encodings.solana),
    "xrp": Network(_xrp, _is_tag, needs_memo_at_exchange=True),
    "stellar": Network(_stellar, _is_text_of(STELLAR_TEXT_BYTES), needs_memo_at_exchange=True),
    "ton": Network(encodings.ton, _is_text_of(TON_COMMENT_BYTES), needs_memo_at_exchange=True),
    "cardano": Network(encodings.cardano),
    "polkadot": Network(encodings.polkadot),
    "cosmos": Network(encodings.cosmos, _is_text_of(COSMOS_MEMO_BYTES)),
    "near": Network(encodings.near),
}


def place_of(network: str, *, address: str, memo: str, is_deposit: bool) -> Place:
    """Address and memo in canonical form. InvalidCharacters, InvalidAddress, InvalidMemo, MemoRequired.

    `is_deposit`: the address belongs to an exchange, which has many customers behind it.
    """
    rules = NETWORKS[network]
    text = address.strip(" \t\r\n")
    if any(unicodedata.category(c) in INVISIBLE or c.isspace() for c in text):
        raise InvalidCharacters("address")
    try:
        canonical, carried = _taken_apart(network, text)
    except NotAnAddress as error:
        is_test = isinstance(error, TestNetwork) or bool(TEST_NETWORKS.match(text))
        raise InvalidAddress(looks_like=networks_of(text), is_test=is_test) from error
    memo = _memo_of(rules, memo.strip(), carried)
    if is_deposit and rules.needs_memo_at_exchange and not memo:
        raise MemoRequired
    return Place(canonical, memo)


def networks_of(text: str) -> tuple[str, ...]:
    """The names of all networks that have such an address; those with a checksum tell it surely."""
    found = [name for name in NETWORKS if _is_address(name, text)]
    sure = [name for name in found if name not in WITHOUT_CHECKSUM]
    return tuple(NETWORK_NAMES[name] for name in sure or found)


def _is_address(network: str, text: str) -> bool:
    try:
        _taken_apart(network, text)
    except NotAnAddress:
        return False
    return True


def _taken_apart(network: str, text: str) -> tuple[str, str]:
    """The canonical address, and the memo that it carries (X- and M-addresses do)."""
    if not text.isascii() or not 0 < len(text) <= LONGEST_ADDRESS:
        raise NotAnAddress
    if network == "xrp" and text[0] in "XT":
        return _of_x_address(text)
    if network == "stellar" and text[0] == "M":
        return _of_m_address(text)
    return NETWORKS[network].canonical(text), ""


def _of_x_address(text: str) -> tuple[str, str]:
    try:
        classic, tag, is_test = xaddress_to_classic_address(text)
    except (*NOT_DECODED, XRPLAddressCodecException) as error:
        raise NotAnAddress from error
    if is_test:
        raise TestNetwork
    return classic, "" if tag is None else str(tag)


def _of_m_address(text: str) -> tuple[str, str]:
    try:
        account = MuxedAccount.from_account(text)
    except (*NOT_DECODED, SdkError) as error:
        raise NotAnAddress from error
    return account.account_id, str(account.account_muxed_id)


def _memo_of(rules: Network, given: str, carried: str) -> str:
    if not given:
        return carried
    if any(unicodedata.category(c) in INVISIBLE for c in given):
        raise InvalidCharacters("memo")
    if rules.is_memo is None or not rules.is_memo(given) or (carried and given != carried):
        raise InvalidMemo
    return given
