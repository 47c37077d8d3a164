"""A task's log lines carry its id, those of what it is about, and that of the request behind it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from celery.signals import before_task_publish, task_postrun, task_prerun

HEADER = "copytrade_request_id"


def connect() -> None:
    before_task_publish.connect(_pass_request_on)
    task_prerun.connect(_bind)
    task_postrun.connect(_unbind)


def _pass_request_on(headers: dict[str, Any], **_: object) -> None:
    if request_id := structlog.contextvars.get_contextvars().get("request_id"):
        headers[HEADER] = request_id


def _bind(task_id: str, task: Any, args: Sequence[object], **_: object) -> None:
    structlog.contextvars.clear_contextvars()
    ids = subjects(task.run, args)
    if request_id := task.request.get(HEADER):
        ids["request_id"] = request_id
    structlog.contextvars.bind_contextvars(task_id=task_id, **ids)


def _unbind(**_: object) -> None:
    structlog.contextvars.clear_contextvars()


def subjects(function: Callable[..., object], arguments: Sequence[object]) -> dict[str, object]:
    """`signal_id` and the like, by the names of the task's arguments; of many ids the first and how many."""
    found: dict[str, object] = {}
    for name, value in zip(inspect.signature(function).parameters, arguments, strict=False):
        if name.endswith("_id") and isinstance(value, int | str):
            found[name] = value
        elif name.endswith("_ids") and isinstance(value, list) and value:
            found |= {f"first_{name[:-1]}": value[0], f"{name[:-4]}_count": len(value)}
    return found
