"""The role that runs the platform owns nothing: it works with it, and cannot switch off what protects it."""

import os
import subprocess
import sys
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import UUID

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts import audit_upkeep
from compliance.audit import SYSTEM
from compliance.models import AuditLink
from compliance.services import erase_personal
from compliance.verification import verify
from copytrade import database_roles
from tests.compliance.conftest import PERSON, record_some, seal_everything

ROOT = Path(__file__).resolve().parents[2]
RUNNER = f"runner_{os.getpid()}"


def url_of(role=None):
    """The test database, as another role."""
    known = urlsplit(settings.DATABASE_URL)
    host = known.netloc.rpartition("@")[2]
    name = connection.settings_dict["NAME"]
    who = f"{role}:secret@" if role else known.netloc[: len(known.netloc) - len(host)]
    return urlunsplit(known._replace(netloc=f"{who}{host}", path=f"/{quote(name)}"))


@pytest.fixture
def migrated_by_the_owner(transactional_db):
    """Two roles, as `manage.py migrate` leaves them."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {RUNNER} LOGIN PASSWORD 'secret'")
    environment = os.environ | {"DATABASE_URL": url_of(RUNNER), "DATABASE_OWNER_URL": url_of()}
    try:
        done = subprocess.run(
            [sys.executable, "manage.py", "migrate", "-v0"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP OWNED BY {RUNNER}")
            cursor.execute(f"DROP ROLE {RUNNER}")


@contextmanager
def running_as(role):
    kept = {name: connection.settings_dict[name] for name in ("USER", "PASSWORD")}
    database_roles._reconnect({"USER": role, "PASSWORD": "secret"})
    try:
        yield
    finally:
        database_roles._reconnect(kept)


FORBIDDEN = {
    "DELETE FROM compliance_auditrecord": "permission denied",
    "UPDATE compliance_auditrecord SET actor = 'x'": "permission denied",
    "UPDATE compliance_auditrecord SET ip = '192.0.2.1'": "append-only",
    "TRUNCATE compliance_auditrecord": "permission denied",
    "ALTER TABLE compliance_auditrecord DISABLE TRIGGER USER": "must be owner",
    "DROP TRIGGER compliance_auditrecord_is_append_only ON compliance_auditrecord": "must be owner",
    "CREATE TRIGGER mine BEFORE INSERT ON compliance_auditlink EXECUTE FUNCTION audit_guard()": "permission",
    "CREATE OR REPLACE FUNCTION audit_guard() RETURNS trigger LANGUAGE sql AS 'SELECT 1'": "permission",
    "SET session_replication_role = replica": "permission denied",
    "DELETE FROM compliance_auditlink": "permission denied",
    "UPDATE compliance_auditcheckpoint SET sequence = 0": "permission denied",
    "DELETE FROM ledger_trade": "permission denied",
    "UPDATE ledger_posting SET amount = 0": "permission denied",
    "TRUNCATE ledger_fill CASCADE": "permission denied",
    "DROP TABLE ledger_trade CASCADE": "must be owner",
}


def test_the_running_role_works_and_cannot_touch_the_record(migrated_by_the_owner, user, api):
    with running_as(RUNNER):
        assert api.patch("/api/v1/me/", {"time_zone": "Europe/Madrid"}, HTTP_X_NONCE="n").status_code == 200
        assert api.patch("/api/v1/me/", {}, HTTP_X_NONCE="n").status_code == 409
        assert api.put("/api/v1/risk/limits/", {"kill_switch": "freeze"}).status_code == 200
        record_some(2)
        seal_everything()
        assert erase_personal(UUID(PERSON.actor), origin=SYSTEM) == 2
        for statement, refusal in FORBIDDEN.items():
            with (
                pytest.raises(DatabaseError, match=refusal),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute(statement)
        seal_everything()
        assert verify().records == AuditLink.objects.count()
        assert audit_upkeep.purge_audit(now=timezone.now() + timedelta(days=4000)).records > 5
        seal_everything()
        assert verify().records == 1


def test_deploying_with_one_role_is_warned_about(settings):
    def warned():
        found = run_checks(include_deployment_checks=True)
        return "copytrade.W001" in [message.id for message in found]

    assert warned()
    settings.DATABASE_OWNER = {"USER": settings.DATABASES["default"]["USER"]}
    assert warned()
    settings.DATABASE_OWNER = {"USER": "somebody_else"}
    assert not warned()
