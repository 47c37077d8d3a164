"""What it costs that a request happens once: the same change with its nonce, and without the check."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from statistics import median
from unittest import mock

from django.test import override_settings
from rest_framework.test import APIClient

from accounts import token_store
from accounts.nonces import FreshNonce
from accounts.services import create_user
from benchmarks.extent import Extent
from benchmarks.report import Figures
from benchmarks.stage import Stage
from compliance.audit import SYSTEM
from local.report import say

PASSWORD = "correct horse battery staple"
WARM_UP = 20


def run(stage: Stage, extent: Extent) -> Figures:
    """In this process, on durable engines; one after the other by turns, so that both meet the same noise."""
    send = _change_with_a_token()
    with override_settings(THROTTLING=False):
        for _ in range(WARM_UP):
            send()
        with_nonce, plain = [], []
        for _ in range(extent.repetitions(600)):
            with_nonce.append(_seconds(send))
            with mock.patch.object(FreshNonce, "has_permission", return_value=True):
                plain.append(_seconds(send))
    say(f"  a change with a nonce {median(with_nonce) * 1000:.2f} ms, without {median(plain) * 1000:.2f} ms")
    return {"nonce_request_vs_plain_request": median(with_nonce) / median(plain)}


def _change_with_a_token() -> Callable[[], None]:
    user = create_user(email=f"nonces-{time.time_ns()}@example.org", password=PASSWORD)
    issued = token_store.issue_token(
        user=user, name="benchmark", scopes=["trade"], expires_at=None, origin=SYSTEM
    )
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {issued.text}", SERVER_NAME="localhost")
    numbers = itertools.count()
    zones = itertools.cycle(["Europe/Madrid", "Europe/Paris"])

    def send() -> None:
        answer = client.patch(
            "/api/v1/me/", {"time_zone": next(zones)}, format="json", HTTP_X_NONCE=f"n{next(numbers)}"
        )
        assert answer.status_code == 200, answer.content

    return send


def _seconds(send: Callable[[], None]) -> float:
    began = time.perf_counter()
    send()
    return time.perf_counter() - began
