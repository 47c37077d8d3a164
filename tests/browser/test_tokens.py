"""The page of API tokens, in a browser."""

from tests.browser.conftest import log_in, violations
from tests.factories import PASSWORD

PLAIN_HTTP = "Object.defineProperty(navigator, 'clipboard', {value: undefined})"
NO_OLDER_WAY = "document.execCommand = () => false"


def make_token(page, person):
    """The text that is shown this once."""
    log_in(page, person)
    page.goto("/accounts/reauthenticate/?next=/settings/tokens/")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button").first.click()
    page.wait_for_url("**/settings/tokens/")
    page.get_by_label("Name").fill("my bot")
    page.get_by_label("Read").check()
    page.get_by_role("button", name="Make the token").click()
    return page.locator("#new-token").inner_text()


def test_a_token_is_made_after_the_password_and_copied(open_page, person):
    page = open_page(width=390)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    text = make_token(page, person)
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == text
    assert violations(page) == []


def test_over_plain_http_where_browsers_give_no_clipboard_it_is_copied_the_older_way(open_page, person):
    page = open_page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.add_init_script(PLAIN_HTTP)
    text = make_token(page, person)
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    page.get_by_label("Name").fill("")
    page.get_by_label("Name").press("Control+V")
    assert page.get_by_label("Name").input_value() == text


def test_where_nothing_copies_the_text_is_marked_and_people_are_told(open_page, person):
    page = open_page()
    page.add_init_script(PLAIN_HTTP)
    page.add_init_script(NO_OLDER_WAY)
    text = make_token(page, person)
    page.get_by_role("button", name="Copy").click()
    page.get_by_text("The text is marked: copy it with Ctrl+C.").wait_for()
    assert page.evaluate("getSelection().toString()") == text
    assert violations(page) == []
