"""Whether this process is up, and whether it can do its work."""

from __future__ import annotations

import functools
from collections.abc import Callable

import redis
import structlog
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from copytrade.standing import broker

log = structlog.get_logger(__name__)


class NotReady(Exception):
    """A part does not answer, or is not as it must be."""


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200, or 503 with the parts that fail."""
    checks: dict[str, Callable[[], None]] = {
        "database": _check_database,
        "broker": _check_broker,
        "migrations": _check_migrations,
    }
    parts = {name: _is_well(name, check) for name, check in checks.items()}
    ready = all(parts.values())
    words = {name: "ok" if well else "failing" for name, well in parts.items()}
    return JsonResponse({"status": "ok" if ready else "failing", **words}, status=200 if ready else 503)


def _is_well(name: str, check: Callable[[], None]) -> bool:
    try:
        check()
    except (DatabaseError, redis.RedisError, OSError, NotReady) as error:
        log.warning("not_ready", part=name, error=type(error).__name__)
        return False
    return True


def _check_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _check_broker() -> None:
    broker().ping()


# A success is remembered (this process's code grows no new migrations), an exception is not.
@functools.cache
def _check_migrations() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise NotReady
