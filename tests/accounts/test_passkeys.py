"""What passkeys may be called, and what one is told where we ask who one is."""

import pytest
from allauth.mfa.models import Authenticator

from accounts.passkeys import RenamePasskeyForm
from accounts.second_factor import MfaAdapter
from copytrade.templatetags.proof import ACTS, act_at


def key_of(user) -> Authenticator:
    return Authenticator(user=user, type=Authenticator.Type.WEBAUTHN, data={"name": "Phone"})


@pytest.mark.parametrize("name", ["", " ", "a\u202eb", "a\u200bb", "a\x00b", "x" * 61])
def test_a_name_that_cannot_be_seen_or_is_too_long_is_refused(user, name):
    assert "name" in RenamePasskeyForm({"name": name}, instance=key_of(user)).errors


def test_a_plain_name_is_taken(user):
    assert RenamePasskeyForm({"name": "Büro-Schlüssel 2"}, instance=key_of(user)).is_valid()


def test_passkeys_are_counted_where_no_name_is_given(user):
    adapter, kind = MfaAdapter(), Authenticator.Type.WEBAUTHN
    assert str(adapter.generate_authenticator_name(user, kind)) == "Passkey"
    Authenticator.objects.create(user=user, type=kind, data={"name": "x"})
    assert str(adapter.generate_authenticator_name(user, kind)) == "Passkey 2"


@pytest.mark.parametrize(
    ("path", "act"),
    [
        ("/wallets/accounts/connect/", "wallet-connect"),
        ("/accounts/2fa/totp/activate/?x=1", "mfa_activate_totp"),
    ],
)
def test_who_is_asked_is_told_the_act(path, act):
    assert act_at(path) == ACTS[act]


@pytest.mark.parametrize("path", ["", "//evil.example", "/nowhere/", "\x00"])
def test_of_other_addresses_a_general_sentence_is_told(path):
    assert act_at(path) == "You are about to do something that counts."
