"""Loaded into schemathesis: every request carries a nonce of its own, and no answer is a failure of ours."""

import uuid
from typing import Any

import schemathesis


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    if case.meta is None or case.method.upper() not in {"GET", "HEAD", "OPTIONS"}:
        case.headers["X-Nonce"] = uuid.uuid4().hex


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    # 503: an exchange or a person's own chat does not answer, which is so in a test.
    assert response.status_code < 500 or response.status_code == 503, response.text
