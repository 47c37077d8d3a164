"""An authenticator app: its code of the moment, as RFC 6238 has it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import time

SECONDS_OF_A_CODE = 30


def one_time_code(secret: str) -> str:
    """Six digits that are good for half a minute at least, as the platform takes the step before too."""
    return code_at(secret, time.time())


def code_at(secret: str, seconds: float) -> str:
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    counter = struct.pack(">Q", int(seconds) // SECONDS_OF_A_CODE)
    digest = hmac.new(key, counter, hashlib.sha1).digest()
    start = digest[-1] & 15
    (number,) = struct.unpack(">I", digest[start : start + 4])
    return f"{(number & 0x7FFFFFFF) % 1_000_000:06}"
