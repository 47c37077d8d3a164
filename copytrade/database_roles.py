"""Two roles in the database: one owns everything and migrates, the other runs the platform and owns nothing.

Who owns a table can switch its triggers off, empty it, or drop it; the running role can do none of that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import connection
from psycopg.sql import SQL, Identifier

IDENTITY = ("USER", "PASSWORD", "HOST", "PORT")
APPEND_ONLY = """
SELECT t.tgrelid::regclass::text FROM pg_trigger t WHERE t.tgname LIKE '%\\_is\\_append\\_only'
"""
# What erasing a person changes, and the only way to remove records.
EXCEPTIONS = (
    "GRANT UPDATE (ip, user_agent) ON compliance_auditrecord TO {role}",
    "GRANT UPDATE (salt) ON compliance_auditlink TO {role}",
    # Its trigger lets go only what is older than the law keeps.
    "GRANT DELETE ON accounts_kycstep TO {role}",
    "GRANT EXECUTE ON FUNCTION purge_audit, forget_audit_nonces TO {role}",
)


@contextmanager
def as_owner() -> Iterator[str]:
    """Connected as DATABASE_OWNER_URL says; gives the name of the running role."""
    running = connection.settings_dict
    kept = {name: running[name] for name in IDENTITY}
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        role: str = cursor.fetchone()[0]
    _reconnect({name: settings.DATABASE_OWNER[name] for name in IDENTITY})
    try:
        yield role
    finally:
        _reconnect(kept)


def grant_to(role: str) -> None:
    """All that running needs, on whatever tables there are now; of append-only ones no change."""
    everything = (
        "GRANT USAGE ON SCHEMA public TO {role}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
        "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
    )
    with connection.cursor() as cursor:
        cursor.execute(APPEND_ONLY)
        tables = [name for (name,) in cursor.fetchall()]
        for statement in everything:
            cursor.execute(SQL(statement).format(role=Identifier(role)))
        for table in tables:
            withheld = SQL("REVOKE UPDATE, DELETE ON {} FROM {}").format(Identifier(table), Identifier(role))
            cursor.execute(withheld)
        for statement in EXCEPTIONS:
            cursor.execute(SQL(statement).format(role=Identifier(role)))


def still_powerful(role: str) -> str:
    """Why the running role could do all the same what it must not; empty if it cannot."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = %s", [role])
        if cursor.fetchone()[0]:
            return f"The running role {role} is a superuser."
        cursor.execute("SELECT count(*) FROM pg_tables WHERE tableowner = %s", [role])
        owned = cursor.fetchone()[0]
    return f"The running role {role} owns {owned} tables: REASSIGN OWNED BY it." if owned else ""


@register(Tags.security, deploy=True)
def check_roles(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    owner = settings.DATABASE_OWNER
    if owner and owner["USER"] != settings.DATABASES["default"]["USER"]:
        return []
    return [
        Warning(
            "The platform runs as the owner of its tables, who can switch off what protects the record.",
            hint="Give DATABASE_OWNER_URL another role than DATABASE_URL; see docs/audit.md.",
            id="copytrade.W001",
        )
    ]


def _reconnect(identity: dict[str, Any]) -> None:
    postgresql: Any = connection
    postgresql.close()
    postgresql.close_pool()
    postgresql.settings_dict.update(identity)
