"""What one of the staff begins and only another one ends, in the browser, with the admin's own policy."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.kyc.models import KycCase
from accounts.models import User
from accounts.roles import Role
from accounts.services import create_user
from tests.browser.conftest import log_in, violations
from tests.factories import PASSWORD

GRANTS = "/admin/accounts/rolerequest/"


def staff(name: str, role: Role) -> User:
    return create_user(email=f"{name}@example.org", password=PASSWORD, role=role)


def approve_first_row(page: Page) -> None:
    page.goto(GRANTS)
    page.locator("input.action-select").first.check()
    page.locator("select[name=action]").select_option("approve")
    page.get_by_role("button", name="Run", exact=True).click()


def test_a_role_is_given_when_a_second_administrator_approves_it(open_page, person):
    asking = log_in(open_page(), staff("ada", Role.ADMIN))
    asking.goto(f"{GRANTS}add/?user={person.pk}")
    asking.locator("select[name=act]").select_option("give")
    asking.locator("select[name=role]").select_option(Role.AUDITOR)
    asking.locator("[name=reason]").fill("Audits our books from December on")
    assert violations(asking) == []
    asking.get_by_role("button", name="Save", exact=True).click()
    approve_first_row(asking)
    expect(asking.get_by_text("another administrator must approve this")).to_be_visible()
    assert not person.groups.filter(name=Role.AUDITOR).exists()

    second = log_in(open_page(dark=True), staff("bea", Role.ADMIN))
    approve_first_row(second)
    expect(second.get_by_text("is decided")).to_be_visible()
    assert violations(second) == []
    auditor = log_in(open_page(), person)
    auditor.goto("/audit/")
    expect(auditor.get_by_role("heading", level=1)).to_have_text("Audit record")


@pytest.fixture
def approved_case(person: User) -> KycCase:
    return KycCase.objects.create(user=person, submitted_at=timezone.now())


def test_an_approval_is_taken_back_when_a_second_reviewer_rejects_too(open_page, person, approved_case):
    address = f"/admin/accounts/kyccase/{approved_case.pk}/change/"
    first = log_in(open_page(), staff("rita", Role.COMPLIANCE))
    second = log_in(open_page(width=390, dark=True), staff("rosa", Role.COMPLIANCE))
    for page, told in ((first, "Proposed. It happens when a second person decides"), (second, "Rejected.")):
        assert User.objects.get(pk=person.pk).kyc_status == "approved"
        page.goto(address)
        assert violations(page) == []
        page.get_by_label("Reason").fill("The passport was reported stolen")
        page.get_by_role("button", name="Reject").click()
        expect(page.get_by_text(told)).to_be_visible()
    applicant = log_in(open_page(), person)
    applicant.goto("/kyc/")
    expect(applicant.get_by_role("main")).to_contain_text("The passport was reported stolen")
