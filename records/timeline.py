"""Which database this is: the server's identifier, its timeline and the database's own number there.

A failover changes the second, a restored dump at least the third.
"""

from __future__ import annotations

import weakref
import zlib

import psycopg
from django.db import connection

from records.bulk import select

WHICH = """
SELECT (pg_control_system()).system_identifier, pg_walfile_name(pg_current_wal_lsn()), oid
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
    [(server, log_file, database)] = select(WHICH)
    # Within a column of four bytes.
    return zlib.crc32(f"{server}:{log_file[:8]}:{database}".encode()) - 2**31
