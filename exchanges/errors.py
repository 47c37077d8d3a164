"""What an exchange may answer when it does not do as asked: one small tree, mapped in gateway.py."""

from __future__ import annotations


class ExchangeError(Exception):
    """A venue's refusal or silence. `code` is the venue's own code (empty if it gave none)."""

    def __init__(self, text: str, *, code: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.code = code


class Rejected(ExchangeError):
    """The venue has surely refused this order, finally for its content."""


class InsufficientFunds(Rejected):
    """Refused for want of balance."""


class FilterRefused(Rejected):
    """Refused by a rule of the symbol: step, minimum, price band."""


class SymbolUnknown(Rejected):
    """The venue does not list this symbol."""


class BadCredentials(ExchangeError):
    """The key is wrong, revoked, suspended or lacks the permission: final for the account."""


class DuplicateOrder(ExchangeError):
    """The venue already has an order of this client order id: it was placed, look it up."""


class NotPlaced(ExchangeError):
    """Surely not placed and worth trying again later: refused connection, maintenance, clock, halt."""


class RateLimited(NotPlaced):
    """Surely not placed: too many requests. `retry_after` in seconds, None if the venue did not say."""

    def __init__(self, text: str, *, code: str = "", retry_after: float | None = None) -> None:
        super().__init__(text, code=code)
        self.retry_after = retry_after


class ClockSkewed(NotPlaced):
    """Surely not placed: our timestamp lies outside the venue's window."""


class OutcomeUnknown(ExchangeError):
    """The request may or may not have taken effect: look it up by client order id, never resend blindly."""


class Unavailable(ExchangeError):
    """A question (not an order) found no answer: ask again later, after `retry_after` seconds if given."""

    def __init__(self, text: str, *, code: str = "", retry_after: float | None = None) -> None:
        super().__init__(text, code=code)
        self.retry_after = retry_after


class HeldBack(Unavailable):
    """Not asked at all: as much as the venue takes from this address is on its way. It says nothing of it."""


def not_placed(unanswered: Unavailable) -> NotPlaced:
    """What it means for an order that a question which had to come first found no answer."""
    if unanswered.retry_after is None:
        return NotPlaced(unanswered.text, code=unanswered.code)
    return RateLimited(unanswered.text, code=unanswered.code, retry_after=unanswered.retry_after)


class VenueNotSupported(ExchangeError):
    """Live copying is not offered on this venue; the text says why."""
