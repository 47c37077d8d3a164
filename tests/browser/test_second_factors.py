"""Second factors in a real browser: an app, recovery codes, and passkeys of a virtual device."""

from __future__ import annotations

import time

from allauth.mfa.models import Authenticator
from playwright.sync_api import CDPSession, Page, expect

from tests.browser.conftest import faults, log_in
from tests.factories import PASSWORD
from tests.one_time_codes import SECONDS_OF_A_CODE, code_at, one_time_code

TWO = "/accounts/2fa/"


def confirm(page: Page, act: str) -> None:
    expect(page.get_by_role("heading", name="Confirm it's you")).to_be_visible()
    expect(page.get_by_text(act)).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()


def log_out(page: Page) -> None:
    page.goto("/accounts/logout/")
    page.get_by_role("main").get_by_role("button", name="Log out").click()


def enter_password(page: Page, email: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Password").press("Enter")
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()


def give(page: Page, code: str) -> None:
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Log in", exact=True).click()


def plug_in_authenticator(page: Page) -> tuple[CDPSession, str]:
    """A device with a fingerprint sensor, as far as pages can tell."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    answer = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, answer["authenticatorId"]


def test_an_app_is_set_up_and_its_code_or_a_recovery_code_opens_the_account(open_page, person):
    page = log_in(open_page(), person)
    assert faults(page, "/accounts/2fa/") == []
    page.get_by_role("link", name="Set up the app").click()
    confirm(page, "You are about to connect an authenticator app.")
    assert faults(page, f"{TWO}totp/activate/") == []
    secret = page.locator("#totp-secret").inner_text()
    page.get_by_label("Six-digit code").fill("000000")
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_text("Incorrect code.")).to_be_visible()
    page.get_by_label("Six-digit code").fill(one_time_code(secret))
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    for path in ("recovery-codes/generate/", "totp/deactivate/", "", "recovery-codes/"):
        assert faults(page, f"{TWO}{path}") == []
    recovery = page.locator("#recovery-codes").inner_text().split()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.path().read_text(encoding="utf-8").split() == recovery
    assert len(recovery) == 10

    log_out(page)
    enter_password(page, person.email)
    assert faults(page, f"{TWO}authenticate/") == []
    give(page, recovery[0])
    page.wait_for_url("**/dashboard/")
    log_out(page)
    enter_password(page, person.email)
    give(page, recovery[0])
    expect(page.get_by_text("Incorrect code.")).to_be_visible()
    # The code of the set-up is used up.
    give(page, code_at(secret, time.time() + SECONDS_OF_A_CODE))
    page.wait_for_url("**/dashboard/")


def test_a_passkey_is_added_renamed_logs_in_proves_who_one_is_and_is_removed(open_page, person):
    page = log_in(open_page(), person)
    session, device = plug_in_authenticator(page)
    assert faults(page, f"{TWO}webauthn/") == []
    page.get_by_role("link", name="Add a passkey").click()
    confirm(page, "You are about to add a passkey, which opens this account.")
    assert faults(page, f"{TWO}webauthn/add/") == []
    page.get_by_label("Name").fill("Phone")
    page.get_by_role("button", name="Add the passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    key = Authenticator.objects.get(user=person, type=Authenticator.Type.WEBAUTHN)
    assert faults(page, f"{TWO}webauthn/keys/{key.pk}/edit/") == []
    page.get_by_label("Name").fill("My phone")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="Rename My phone")).to_be_visible()
    assert faults(page, f"{TWO}webauthn/") == []

    log_out(page)
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Log in with a passkey").click()
    page.wait_for_url("**/dashboard/")
    page.goto(f"{TWO}webauthn/keys/{key.pk}/remove/")
    page.get_by_role("link", name="Use a passkey").click()
    assert faults(page, page.url) == []
    page.get_by_role("button", name="Use a passkey").click()
    # The device answers first; to go on at once would be to overtake it.
    page.wait_for_url(f"**{TWO}webauthn/keys/{key.pk}/remove/")
    assert faults(page, f"{TWO}webauthn/keys/{key.pk}/remove/") == []
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_text("Passkey removed.")).to_be_visible()

    log_out(page)
    page.goto("/accounts/login/")
    session.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    page.get_by_role("button", name="Log in with a passkey").click()
    expect(page.get_by_role("alert").filter(has_text="No passkey was used")).to_be_visible()
