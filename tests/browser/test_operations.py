import time

from accounts.roles import Role
from accounts.services import create_user
from copytrade import alive
from tests.browser.conftest import log_in, violations
from tests.factories import PASSWORD


def test_an_administrator_sees_on_a_phone_whether_it_is_healthy(open_page, transactional_db):
    admin = create_user(email="admin@example.org", password=PASSWORD, role=Role.ADMIN)
    alive.say("trading here:1", at=time.time())
    page = log_in(open_page(width=390), admin)
    page.goto("/operations/")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.get_by_text("trading here:1").is_visible()
    page.locator("#live-state.is-live").wait_for()
