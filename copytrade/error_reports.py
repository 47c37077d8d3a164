"""Unexpected errors go to a Sentry server, where one is named: without secrets, and without persons."""

from __future__ import annotations

from typing import Any

import sentry_sdk

from copytrade.logs import Redaction

# What people sent or are is not needed to mend an error.
LEFT_OUT_OF_REQUESTS = ("cookies", "data", "env", "headers", "query_string")


def configure(*, dsn: str, environment: str, redaction: Redaction) -> None:
    if not dsn:
        return
    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        send_default_pii=False,
        # Local variables hold keys while a call is signed.
        include_local_variables=False,
        max_request_body_size="never",
        before_send=lambda event, _hint: cleaned(dict(event), redaction),  # type: ignore[arg-type, return-value]
        before_breadcrumb=lambda crumb, _hint: redaction.deep(crumb),
    )


def cleaned(event: dict[str, Any], redaction: Redaction) -> dict[str, Any]:
    event.pop("user", None)
    request = event.get("request", {})
    for part in LEFT_OUT_OF_REQUESTS:
        request.pop(part, None)
    clean: dict[str, Any] = redaction.deep(event)
    return clean
