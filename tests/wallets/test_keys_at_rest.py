"""Keys at rest: under a ring, bound to their row."""

import base64
import os

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from exchanges.types import Credentials
from records import sealing
from tests.factories import ExchangeAccountFactory
from wallets import vault
from wallets.models import ExchangeAccount

KEYS = Credentials("api-key-0123456789", "the-secret", "phrase")


def new_key():
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def test_after_rotation_the_old_key_is_needed_no_more(db, settings, capsys):
    old, new = new_key(), new_key()
    settings.FIELD_ENCRYPTION_KEYS = [old]
    ExchangeAccountFactory.create(keys=KEYS)
    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    for expected in ("1 re-encrypted", "0 re-encrypted"):
        call_command("rotate_keys")
        assert expected in capsys.readouterr().out
    settings.FIELD_ENCRYPTION_KEYS = [new]
    assert ExchangeAccount.objects.get().open().credentials == KEYS


def test_sealed_keys_open_only_in_their_own_row(db):
    one, other = ExchangeAccountFactory.create(keys=KEYS), ExchangeAccountFactory.create()
    ExchangeAccount.objects.filter(pk=other.pk).update(sealed_credentials=one.sealed_credentials)
    other.refresh_from_db()
    with pytest.raises(vault.CannotOpen):
        other.open()


def test_an_opened_account_shows_no_key_in_its_repr(db):
    shown = repr(ExchangeAccountFactory.create(keys=KEYS).open())
    assert not any(secret in shown for secret in (KEYS.api_key, KEYS.secret, KEYS.password))


@pytest.mark.parametrize(
    ("ring", "complaint"),
    [
        ([], "at least one key"),
        (["not base64!"], "url-safe base64"),
        ([new_key()[:20] + "===="], "32 bytes long"),
    ],
)
def test_a_ring_that_cannot_seal_is_refused_by_name(ring, complaint, settings):
    settings.FIELD_ENCRYPTION_KEYS = ring
    with pytest.raises(ImproperlyConfigured, match=complaint):
        sealing.seal(b"secret", owner="row")


def test_what_was_changed_or_sealed_under_a_key_that_is_gone_does_not_open(settings):
    sealed = sealing.seal(b"secret", owner="row")
    key_id, _, body = sealed.partition(".")
    for changed in (f"{key_id}.AAAA{body[4:]}", f"{key_id}.!", f"0000dead.{body}"):
        with pytest.raises(sealing.CannotOpen):
            sealing.unseal(changed, owner="row")
