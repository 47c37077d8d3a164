"""Which database this is: its server's identifier and timeline, its own number there, and a table's.

A failover changes the timeline, a dump restored into a new database the third. One restored over the old
database (`pg_restore --clean`) makes its tables anew, so it changes the last.
"""

from __future__ import annotations

import weakref
import zlib

import psycopg
from django.db import connection

from records.bulk import select

WHICH = """
SELECT (pg_control_system()).system_identifier, pg_walfile_name(pg_current_wal_lsn()), oid,
    to_regclass('django_migrations')::oid
FROM pg_database WHERE datname = current_database()
"""
# A connection stays with its server; after a failover there are new ones.
_known: weakref.WeakKeyDictionary[psycopg.Connection, int] = weakref.WeakKeyDictionary()


def identity() -> int:
    """A number for it, read once for each connection."""
    connection.ensure_connection()
    driver = connection.connection
    if driver not in _known:
        _known[driver] = _read()
    return _known[driver]


def _read() -> int:
    # The first eight digits of the current log file's name are the timeline.
    [(server, log_file, database, table)] = select(WHICH)
    # Within a column of four bytes.
    return zlib.crc32(f"{server}:{log_file[:8]}:{database}:{table}".encode()) - 2**31
