"""Why an address was not taken: code and sentence, the same for the API and the pages."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from rest import codes
from rest.codes import Code
from wallets.network_names import MEMO_NAMES, NETWORK_NAMES
from wallets.networks import InvalidAddress, InvalidCharacters, InvalidMemo, MemoRequired

INVALID_ADDRESS = codes.declare("invalid_address", "This is no address of this network.")
INVALID_MEMO = codes.declare(
    "invalid_memo", "This network cannot carry this memo, or the address has its own."
)
MEMO_REQUIRED = codes.declare(
    "memo_required", "Deposits at an exchange on this network need the memo that names their owner."
)
REFUSALS = (InvalidAddress, InvalidCharacters, InvalidMemo, MemoRequired)


@dataclass(frozen=True, slots=True)
class Wrong:
    code: Code
    sentence: str
    field: str


def wrong(error: Exception, network: str) -> Wrong:
    """Of one of REFUSALS."""
    if isinstance(error, MemoRequired):
        return Wrong(MEMO_REQUIRED, _memo_required(network), "memo")
    if isinstance(error, InvalidMemo):
        return Wrong(INVALID_MEMO, _invalid_memo(network), "memo")
    if isinstance(error, InvalidAddress):
        return Wrong(INVALID_ADDRESS, _invalid_address(error, network), "address")
    if isinstance(error, InvalidCharacters):
        sentence = _(
            "A blank or something that nobody sees stands inside: copy it anew from where it is shown."
        )
        return Wrong(codes.INVALID_CHARACTERS, sentence, error.field)
    raise error


def _invalid_address(error: InvalidAddress, network: str) -> str:
    name = NETWORK_NAMES[network]
    if error.is_test:
        return _("This is an address of a test network, where coins are worth nothing.")
    if error.looks_like:
        return _("This is no address of %(network)s. It looks like one of %(others)s.") % {
            "network": name,
            "others": ", ".join(error.looks_like),
        }
    return _("This is no address of %(network)s: a character is wrong, missing or too many.") % {
        "network": name
    }


def _memo_required(network: str) -> str:
    return _(
        "On %(network)s an exchange knows whose deposit it is by this only. The exchange shows it beside the "
        "address: %(memo)s."
    ) % {"network": NETWORK_NAMES[network], "memo": MEMO_NAMES.get(network, _("Memo"))}


def _invalid_memo(network: str) -> str:
    if network == "xrp":
        return _(
            "A destination tag is a whole number up to 4294967295, and the one that an X-address carries."
        )
    if network == "stellar":
        return _(
            "A memo here is a text of at most 28 bytes or a number, and the one that an M-address carries."
        )
    if network == "ton":
        return _("A comment here has at most 120 bytes.")
    if network == "cosmos":
        return _("A memo here has at most 256 bytes.")
    return _("%(network)s knows no memos: leave it empty.") % {"network": NETWORK_NAMES[network]}
