"""`manage.py rotate_keys` reaches every secret at rest, also one that a later version adds."""

import ast
import base64
import re
import secrets
import sys

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.core.management import call_command
from django.db import connection

from accounts.kyc import details, services
from accounts.models import NotificationChannel
from accounts.notifications import channel_api, channels
from accounts.services import create_user
from exchanges.types import Credentials
from local.paths import ROOT
from records import sealing
from tests.accounts.test_channels import GIVEN
from tests.accounts.test_gate import here
from tests.accounts.test_kyc_api import ANA
from tests.factories import PASSWORD, ExchangeAccountFactory
from wallets.models import ExchangeAccount

KEYS = Credentials("api-key-0123456789", "the-secret", "phrase")
TOTP_SECRET = "JBSWY3DPEHPK3PXP"


def new_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def modules_that_seal() -> set[str]:
    """Every module of the platform that calls `sealing.seal`."""
    found = set()
    for path in ROOT.glob("*/**/*.py"):
        name = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
        if name.startswith(("tests.", "benchmarks.", ".", "node_modules.")) or "site-packages" in name:
            continue
        calls = (node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
        if any(ast.unparse(call) == "sealing.seal" for call in calls):
            found.add(name)
    return found


def sealed_texts(key_id: str) -> dict[str, list[str]]:
    """By table every text in it that was sealed under this key, whatever the column."""
    sealed = re.compile(rf"\b{key_id}\.[A-Za-z0-9_=-]{{30,}}")
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT "{table}"::text FROM "{table}"')  # noqa: S608 - names are the database's own
            if texts := [text for (row,) in cursor.fetchall() for text in sealed.findall(row)]:
                found[table] = texts
    return found


@pytest.fixture
def newcomer(db):
    """Whose identity is not decided yet."""
    return create_user(email="new@example.org", password=PASSWORD)


@pytest.fixture
def everything_sealed(newcomer, api_of, settings, monkeypatch):
    """Something sealed by each module that seals; the key it was sealed under."""
    old = new_key()
    settings.FIELD_ENCRYPTION_KEYS = [old]
    callers = set()
    seal = sealing.seal

    def noted(plain: bytes, *, owner: str) -> str:
        callers.add(sys._getframe(1).f_globals["__name__"])
        return seal(plain, owner=owner)

    monkeypatch.setattr(sealing, "seal", noted)
    monkeypatch.setattr(channel_api, "way_out", here)
    ExchangeAccountFactory.create(keys=KEYS)
    TOTP.activate(newcomer, TOTP_SECRET)
    RecoveryCodes.activate(newcomer)
    api = api_of(newcomer)
    assert api.put("/api/v1/kyc/details/", ANA).status_code == 200
    assert api.post("/api/v1/notification-channels/", {"label": "Mine", **GIVEN[4]}).status_code == 201
    monkeypatch.setattr(sealing, "seal", seal)
    assert callers == modules_that_seal(), "seal something of the new module here"
    return old


def key_id() -> str:
    return sealing.seal(b"", owner="").partition(".")[0]


def test_after_rotation_no_secret_anywhere_needs_the_old_key(newcomer, settings, everything_sealed):
    old_id = key_id()
    before = sealed_texts(old_id)
    assert len(before) >= 4
    new = new_key()
    settings.FIELD_ENCRYPTION_KEYS = [new, everything_sealed]
    call_command("rotate_keys")
    settings.FIELD_ENCRYPTION_KEYS = [new]

    assert sealed_texts(old_id) == {}
    after = sealed_texts(key_id())
    assert {table: len(texts) for table, texts in after.items()} == {
        table: len(texts) for table, texts in before.items()
    }
    assert ExchangeAccount.objects.get().open().credentials == KEYS
    given = details.unseal(services.case_of(newcomer))
    assert given and given.legal_name == ANA["legal_name"]
    assert channels.open_fields(NotificationChannel.objects.get())["url"] == GIVEN[4]["url"]


def test_the_command_says_how_many_it_sealed_anew_and_a_second_time_none(settings, everything_sealed, capsys):
    settings.FIELD_ENCRYPTION_KEYS = [new_key(), everything_sealed]
    call_command("rotate_keys")
    assert not capsys.readouterr().out.startswith("0 ")
    call_command("rotate_keys")
    assert capsys.readouterr().out.startswith("0 re-encrypted")
