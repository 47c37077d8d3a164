"""An authenticator app, as far as pages need one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import time

from playwright.sync_api import Page

SECONDS_OF_A_CODE = 30


def code_of(secret: str, *, at: float) -> str:
    """RFC 6238: six digits."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    counter = struct.pack(">Q", int(at) // SECONDS_OF_A_CODE)
    digest = hmac.new(key, counter, hashlib.sha1).digest()
    start = digest[-1] & 15
    (number,) = struct.unpack(">I", digest[start : start + 4])
    return f"{(number & 0x7FFFFFFF) % 1_000_000:06}"


def turn_on_second_factor(page: Page, *, password: str) -> str:
    """Through the pages, which ask who is there before; the secret."""
    page.goto("/accounts/2fa/totp/activate/")
    if "/reauthenticate/" in page.url:
        page.get_by_label("Password").fill(password)
        page.get_by_label("Password").press("Enter")
    secret = page.locator("#totp-secret").inner_text()
    page.locator("input[name=code]").fill(code_of(secret, at=time.time()))
    page.locator("input[name=code]").press("Enter")
    page.wait_for_url(lambda address: "activate" not in address)
    return secret
