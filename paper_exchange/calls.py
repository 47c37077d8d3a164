"""One request as the routes see it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from . import answers, signatures
from .accounts import Account
from .answers import Refusal
from .faults import Rule
from .venue import Venue


@dataclass(slots=True)
class Call:
    """`params` are those of query and form body together; `struck` the faults that hit this request."""

    venue: Venue
    api_key: str | None
    query: bytes
    body: bytes
    params: dict[str, str]
    struck: list[Rule] = field(default_factory=list)

    def signed_in(self) -> Account:
        """The account that signed this call, in time. Raises the venue's refusals."""
        payload = signatures.signed_payload(self.query, self.body)
        signature = self.params.get("signature")
        account = signatures.authenticate(self.venue.accounts, self.api_key, payload, signature)
        faults = self.venue.faults
        if faults.rules and faults.standing("revoke", key=account.api_key) is not None:
            raise answers.bad_key()
        signatures.check_timestamp(self.params, self.venue.now())
        return account

    def signed_in_to_trade(self) -> Account:
        account = self.signed_in()
        if account.is_read_only:
            raise answers.bad_key()
        return account

    def fault(self, kind: str) -> Rule | None:
        return next((rule for rule in self.struck if rule.kind == kind), None)


Answer = Callable[[Call], str]


@dataclass(frozen=True, slots=True)
class Route:
    """A function that answers JSON text, and the class of endpoint that faults know it by."""

    endpoint: str
    answer: Answer
    status: int = 200


def read_params(query: str, body: bytes) -> dict[str, str]:
    """Names and values of query and form body. Raises -1101 for a name sent twice, -1100 for odd bytes."""
    params: dict[str, str] = {}
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError:
        raise Refusal(-1100, "Illegal characters found in a parameter.") from None
    for part in (*query.split("&"), *text.split("&")):
        name, _, value = part.partition("=")
        if not name:
            continue
        if "%" in part or "+" in part:
            name, value = unquote_plus(name), unquote_plus(value)
        if name in params:
            raise Refusal(-1101, "Duplicate values for a parameter detected.")
        params[name] = value
    return params
