"""Exchange keys at rest, sealed for the row that they belong to."""

from __future__ import annotations

import orjson

from exchanges.types import Credentials
from records import sealing
from records.sealing import CannotOpen

__all__ = ["CannotOpen", "seal", "unseal"]


def seal(credentials: Credentials, *, owner: str) -> str:
    plain = orjson.dumps([credentials.api_key, credentials.secret, credentials.password])
    return sealing.seal(plain, owner=owner)


def unseal(sealed: str, *, owner: str) -> Credentials:
    """What `seal` made for the same owner; CannotOpen."""
    return Credentials(*orjson.loads(sealing.unseal(sealed, owner=owner)))
