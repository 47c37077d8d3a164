"""Loaded into schemathesis: every request carries a nonce of its own, as a program's would."""

import uuid
from typing import Any

import schemathesis


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    if case.meta is None or case.method.upper() not in {"GET", "HEAD", "OPTIONS"}:
        case.headers["X-Nonce"] = uuid.uuid4().hex
