import time
from datetime import timedelta

from django.utils import timezone

from accounts.roles import Role
from accounts.services import create_user
from copytrade import alive, history, standing
from tests.browser.conftest import faults, log_in
from tests.factories import PASSWORD


def test_an_administrator_sees_on_a_phone_whether_it_is_healthy(open_page, transactional_db, monkeypatch):
    monkeypatch.setattr(history, "KEY", "test:browser")
    standing.broker().delete("test:browser")
    for minutes in (9, 6, 3):
        history.take(now=timezone.now() - timedelta(minutes=minutes))
    admin = create_user(email="admin@example.org", password=PASSWORD, role=Role.ADMIN)
    page = log_in(open_page(width=390), admin)
    assert faults(page, "/operations/") == []
    alive.say("trading here:1", at=time.time())
    page.goto("/operations/")
    assert page.get_by_text("trading here:1").is_visible()
    page.locator("#live-state.is-live").wait_for()
    charts = page.get_by_role("figure")
    assert charts.filter(has_text="99 % within ms").first.is_visible()
    page.get_by_role("link", name="24 hours").click()
    assert page.get_by_role("link", name="24 hours").get_attribute("aria-current") == "true"
