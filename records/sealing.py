"""Secrets at rest: AES-256-GCM under a ring of keys that is not in the database.

A sealed text is bound to its owner: moved to another row it does not open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

NONCE_BYTES = 12


class CannotOpen(Exception):
    """No key of the ring opens this text for this owner."""


def seal(plain: bytes, *, owner: str) -> str:
    """Encrypt under the first key of the ring: `key id . nonce and ciphertext`, url-safe."""
    key_id, key = next(iter(_ring().items()))
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = nonce + key.encrypt(nonce, plain, owner.encode())
    return f"{key_id}.{base64.urlsafe_b64encode(sealed).decode()}"


def unseal(sealed: str, *, owner: str) -> bytes:
    """Decrypt what `seal` made for the same owner."""
    key_id, _, body = sealed.partition(".")
    keys = _ring()
    if key_id not in keys:
        raise CannotOpen("The key that sealed this is not in FIELD_ENCRYPTION_KEYS.")
    try:
        raw = base64.urlsafe_b64decode(body)
        return keys[key_id].decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], owner.encode())
    except (InvalidTag, ValueError) as error:
        raise CannotOpen("This was sealed for another row or was changed.") from error


def is_sealed_under_first_key(sealed: str) -> bool:
    return sealed.partition(".")[0] == next(iter(_ring()))


def reseal(sealed: str, *, owner: str) -> str:
    """The same secret under the first key of the ring."""
    return seal(unseal(sealed, owner=owner), owner=owner)


def _ring() -> dict[str, AESGCM]:
    """By key id, the first first."""
    return _parsed(tuple(settings.FIELD_ENCRYPTION_KEYS))


@lru_cache(maxsize=1)
def _parsed(texts: tuple[str, ...]) -> dict[str, AESGCM]:
    keys = [_parse(text) for text in texts]
    if not keys:
        raise ImproperlyConfigured("FIELD_ENCRYPTION_KEYS must hold at least one key.")
    return {hashlib.sha256(b"key id" + key).hexdigest()[:8]: AESGCM(key) for key in keys}


def _parse(text: str) -> bytes:
    try:
        key = base64.urlsafe_b64decode(text.strip())
    except (binascii.Error, ValueError) as error:
        raise ImproperlyConfigured("FIELD_ENCRYPTION_KEYS: each key is url-safe base64.") from error
    if len(key) != 32:
        raise ImproperlyConfigured("FIELD_ENCRYPTION_KEYS: each key is 32 bytes long.")
    return key
