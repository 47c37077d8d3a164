"""Old records go at their time; what is left still verifies, and no spent nonce passes again."""

import io
from datetime import timedelta

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts import audit_upkeep, tasks
from accounts.models import AccessToken
from accounts.notifications import mailing
from accounts.roles import Role
from accounts.services import create_user
from compliance import retention
from compliance.models import AuditCheckpoint, AuditHead, AuditLink, AuditRecord
from compliance.verification import GivenHead, verify
from tests.compliance.conftest import as_insider, record_some, seal_everything
from tests.factories import PASSWORD

LATER = timedelta(days=1827)


@pytest.fixture
def old_and_new(transactional_db, monkeypatch):
    """Seven records, of which the time of five will be over; batches of two."""
    monkeypatch.setattr(retention, "BATCH", 2)
    record_some(5)
    seal_everything()
    now = timezone.now() + LATER
    with as_insider(), connection.cursor() as cursor:
        # As the application's clock will have said.
        record_some(2)
        cursor.execute(
            "UPDATE compliance_auditrecord SET at = %s WHERE id IN"
            " (SELECT id FROM compliance_auditrecord ORDER BY id DESC LIMIT 2)",
            [now],
        )
    seal_everything()
    return now


def purged_by_command(*arguments):
    out = io.StringIO()
    call_command("purge_audit", *arguments, stdout=out)
    return out.getvalue()


def test_what_is_old_goes_and_the_rest_verifies(old_and_new):
    assert audit_upkeep.purge_audit(now=old_and_new).records == 5
    assert list(AuditLink.objects.order_by("sequence").values_list("sequence", flat=True)) == [6, 7]
    assert AuditCheckpoint.objects.count() == 3
    seal_everything()
    assert AuditRecord.objects.get(action="audit.purge").detail == {"records": 5, "up_to": 5}
    assert verify().records == 3


def test_purging_twice_removes_no_more(old_and_new):
    audit_upkeep.purge_audit(now=old_and_new)
    assert audit_upkeep.purge_audit(now=old_and_new).records == 0


def test_nothing_goes_a_day_early(old_and_new):
    assert audit_upkeep.purge_audit(now=old_and_new - timedelta(days=2)).records == 0
    assert AuditLink.objects.count() == 7


def test_any_number_of_days_can_be_kept(old_and_new, settings):
    settings.AUDIT_RETENTION_DAYS = 10**12
    assert retention.count_old(now=old_and_new) == 0


def test_the_dry_run_tells_and_removes_nothing(old_and_new, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: old_and_new)
    assert purged_by_command("--dry-run").startswith("5 records from before")
    assert AuditLink.objects.count() == 7
    assert purged_by_command().startswith("5 records from before")
    assert purged_by_command("--dry-run").startswith("0 records")


def test_a_record_that_was_tampered_with_is_not_purged_away(old_and_new, monkeypatch):
    with as_insider(), connection.cursor() as cursor:
        cursor.execute("UPDATE compliance_auditrecord SET object = 'x' WHERE object = 'trades 3'")
    monkeypatch.setattr(timezone, "now", lambda: old_and_new)
    with pytest.raises(CommandError, match="Broken at sequence 4"):
        purged_by_command()
    assert AuditLink.objects.order_by("sequence")[0].sequence == 3


def test_a_checkpoint_that_nobody_signed_is_found(old_and_new):
    """An insider cuts the beginning off, and tries to make it look like retention."""
    link = AuditLink.objects.get(sequence=2)
    signature = bytes(AuditHead.objects.get().signature)
    with connection.cursor() as cursor:
        cursor.execute("SELECT purge_audit(2, %s, %s, '{}', now())", [bytes(link.hash), signature])
    with pytest.raises(Exception, match="Broken at sequence 2: the signature of the checkpoint"):
        verify()


def test_only_the_databases_own_function_may_delete(old_and_new):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditLink.objects.filter(sequence=1).delete()
    with pytest.raises(DatabaseError, match="does not have this hash"), connection.cursor() as cursor:
        cursor.execute("SELECT purge_audit(2, 'x', 'x', '{}', now())")
    audit_upkeep.purge_audit(now=old_and_new)
    # Not even after it was used in the same session.
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditLink.objects.filter(sequence=6).delete()


def test_a_nonce_of_a_living_token_stays_refused(transactional_db, user, api):
    """Its record goes; that it is spent stays, as long as the token lives."""
    assert api.patch("/api/v1/me/", {}, HTTP_X_NONCE="once").status_code == 200
    seal_everything()
    now = timezone.now() + LATER
    audit_upkeep.purge_audit(now=now)
    kept = AuditRecord.objects.get(action="nonce.use")
    assert (kept.actor, kept.ip, kept.user_agent, kept.request_id, kept.detail) == ("", None, None, "", {})
    assert api.patch("/api/v1/me/", {}, HTTP_X_NONCE="once").status_code == 409
    seal_everything()
    assert verify().unsealed == 0

    AccessToken.objects.update(revoked_at=now)
    audit_upkeep.purge_audit(now=now)
    assert not AuditRecord.objects.filter(action="nonce.use", nonce="once").exists()


def test_the_head_goes_to_each_auditor_by_mail_once_a_day_however_often_the_day_begins(transactional_db):
    create_user(email="auditor@example.org", password=PASSWORD, role=Role.AUDITOR)
    create_user(email="admin@example.org", password=PASSWORD, role=Role.ADMIN)
    record_some(2)
    seal_everything()
    tasks.mail_audit_head.run()
    tasks.mail_audit_head.run()
    mailing.send_due(now=timezone.now())
    (letter,) = mail.outbox
    assert letter.to == ["auditor@example.org"]
    head = letter.body.split("--head ")[1].split()[0]
    assert verify([GivenHead.from_text(head)]).records == AuditLink.objects.count()


@pytest.mark.parametrize("days", ["0", "-1", "1.5", "many", ""])
def test_a_retention_that_is_no_whole_number_of_days_stops_the_start(days, monkeypatch):
    from django.core.exceptions import ImproperlyConfigured

    from copytrade.settings import whole_number

    monkeypatch.setenv("AUDIT_RETENTION_DAYS", days)
    with pytest.raises(ImproperlyConfigured, match="AUDIT_RETENTION_DAYS must be a whole number"):
        whole_number("AUDIT_RETENTION_DAYS", default=1826, minimum=1)
