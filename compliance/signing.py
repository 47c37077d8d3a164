"""Signatures over heads and checkpoints, by a key that is not in the database."""

from __future__ import annotations

import base64
import binascii
import hmac

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

SEED_BYTES = 32


def sign_head(sequence: int, digest: bytes) -> bytes:
    return _ring()[0].sign(_head(sequence, digest))


def is_signed_head(sequence: int, digest: bytes, signature: bytes) -> bool:
    return _is_signed(_head(sequence, digest), signature)


def sign_checkpoint(sequence: int, digest: bytes) -> bytes:
    return _ring()[0].sign(_checkpoint(sequence, digest))


def is_signed_checkpoint(sequence: int, digest: bytes, signature: bytes) -> bool:
    return _is_signed(_checkpoint(sequence, digest), signature)


def public_key() -> str:
    """What auditors check signatures with, as hex."""
    return _ring()[0].public_key().public_bytes_raw().hex()


def _head(sequence: int, digest: bytes) -> bytes:
    return f"copytrade audit head {sequence} {digest.hex()}".encode()


def _checkpoint(sequence: int, digest: bytes) -> bytes:
    # Other words than a head's: an old head must not pass for a checkpoint.
    return f"copytrade audit checkpoint {sequence} {digest.hex()}".encode()


def _is_signed(message: bytes, signature: bytes) -> bool:
    for key in _ring():
        try:
            key.public_key().verify(signature, message)
        except InvalidSignature:
            continue
        return True
    return False


def _ring() -> list[Ed25519PrivateKey]:
    """The first signs, all are accepted; one derived from SECRET_KEY where none is set."""
    seeds = [_seed(text) for text in settings.AUDIT_SIGNING_KEYS] or [
        hmac.digest(settings.SECRET_KEY.encode(), b"copytrade audit signing key", "sha256")
    ]
    return [Ed25519PrivateKey.from_private_bytes(seed) for seed in seeds]


def _seed(text: str) -> bytes:
    try:
        seed = base64.b64decode(text, altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ImproperlyConfigured("A key of AUDIT_SIGNING_KEYS is not url-safe base64.") from error
    if len(seed) != SEED_BYTES:
        raise ImproperlyConfigured("A key of AUDIT_SIGNING_KEYS does not have 32 bytes.")
    return seed
