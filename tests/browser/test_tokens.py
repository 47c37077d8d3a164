"""The page of API tokens, in a browser."""

from tests.browser.conftest import log_in, violations
from tests.factories import PASSWORD


def test_a_token_is_made_after_the_password_and_copied(open_page, person):
    page = open_page(width=390)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    log_in(page, person)
    page.goto("/accounts/reauthenticate/?next=/settings/tokens/")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button").first.click()
    page.wait_for_url("**/settings/tokens/")
    page.get_by_label("Name").fill("my bot")
    page.get_by_label("Read").check()
    page.get_by_role("button", name="Make the token").click()
    text = page.locator("#new-token").inner_text()
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == text
    assert violations(page) == []
