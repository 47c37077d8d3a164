"""Exchange keys at rest, sealed for the row that they belong to."""

from __future__ import annotations

import json

from exchanges.types import Credentials
from records import sealing
from records.sealing import CannotOpen

__all__ = ["CannotOpen", "seal", "unseal"]


def seal(credentials: Credentials, *, owner: str) -> str:
    plain = json.dumps([credentials.api_key, credentials.secret, credentials.password]).encode()
    return sealing.seal(plain, owner=owner)


def unseal(sealed: str, *, owner: str) -> Credentials:
    """What `seal` made for the same owner; CannotOpen."""
    return Credentials(*json.loads(sealing.unseal(sealed, owner=owner)))
