"""The record is added to, never changed."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from compliance import audit
from compliance.audit import SYSTEM, Origin
from compliance.models import Action, AuditRecord
from tests.factories import PASSWORD


@pytest.fixture
def record(db):
    return audit.record(Action.EXPORT, origin=SYSTEM, object="trades", detail={"rows": 3})


@pytest.mark.parametrize(
    "sql", ["UPDATE compliance_auditrecord SET actor = 'x'", "DELETE FROM compliance_auditrecord"]
)
def test_the_database_refuses_to_change_or_remove_a_record(record, sql):
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)
    assert AuditRecord.objects.get().actor == "system"


def test_a_record_goes_with_the_transaction_of_its_act(db):
    with pytest.raises(RuntimeError), transaction.atomic():
        audit.record(Action.EXPORT, origin=SYSTEM)
        raise RuntimeError
    assert not AuditRecord.objects.exists()


def test_a_request_tells_who_from_where_with_which_token(api, user):
    api.patch(
        "/api/v1/me/",
        {},
        HTTP_X_NONCE="n1",
        HTTP_USER_AGENT="bot/1\x07\x00",
        HTTP_X_REQUEST_ID="request-0001",
    )
    row = AuditRecord.objects.get(action="nonce.use")
    assert row.actor == str(user.public_id)
    assert (row.ip, row.user_agent, row.request_id, row.nonce) == ("127.0.0.1", "bot/1", "request-0001", "n1")
    assert row.token_id is not None
    assert row.object == "PATCH /api/v1/me/"


def test_the_admin_shows_the_record_and_offers_no_change(record, admin_client_of_staff):
    page = admin_client_of_staff.get("/admin/compliance/auditrecord/")
    assert page.status_code == 200
    assert admin_client_of_staff.get(f"/admin/compliance/auditrecord/{record.pk}/change/").status_code == 200
    assert admin_client_of_staff.post(f"/admin/compliance/auditrecord/{record.pk}/delete/").status_code == 403
    assert admin_client_of_staff.get("/admin/compliance/auditrecord/add/").status_code == 403


@pytest.fixture
def admin_client_of_staff(db):
    from accounts.roles import Role
    from accounts.services import create_user

    client = Client()
    client.force_login(create_user(email="admin@example.org", password=PASSWORD, role=Role.ADMIN))
    return client


def test_every_table_of_the_admin_opens_and_shows_no_key(admin_client_of_staff, exchange_account, api):
    for table in ("accounts/user", "accounts/accesstoken", "wallets/exchangeaccount"):
        assert admin_client_of_staff.get(f"/admin/{table}/").status_code == 200
    page = admin_client_of_staff.get(f"/admin/wallets/exchangeaccount/{exchange_account.pk}/change/")
    assert page.status_code == 200
    assert exchange_account.sealed_credentials not in page.content.decode()


def test_a_stranger_has_no_actor(rf):
    assert Origin.of_stranger(rf.get("/")).actor == ""
