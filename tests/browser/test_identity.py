"""Sending a document and deciding about it, with a browser that complains of every blocked script."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from accounts.models import User
from accounts.roles import Role
from accounts.services import create_user
from tests.accounts.papers import image
from tests.browser.conftest import log_in, violations
from tests.factories import PASSWORD


@pytest.fixture(autouse=True)
def private_folder(settings, tmp_path):
    folder = {"BACKEND": "accounts.kyc.folder.PrivateFolder", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = {**settings.STORAGES, "kyc": folder}


def test_a_document_goes_from_the_phone_of_the_applicant_to_the_reviewers_decision(
    open_page, transactional_db
):
    nina = create_user(email="nina@example.org", password=PASSWORD)
    rita = create_user(email="rita@example.org", password=PASSWORD, role=Role.COMPLIANCE)
    phone = log_in(open_page(width=390, dark=True), nina)
    phone.goto("/kyc/")
    for name, data, sentence in (
        ("x.jpg", b"\xff\xd8\xffnothing", "The file is damaged"),
        ("passport.png", image("PNG", (900, 600)), "Passport received."),
    ):
        phone.set_input_files("input[type=file]", {"name": name, "mimeType": "image/png", "buffer": data})
        phone.get_by_role("button", name="Send document").click()
        expect(phone.get_by_text(sentence)).to_be_visible()
        assert violations(phone) == []

    desk = log_in(open_page(), rita)
    desk.goto("/admin/accounts/kyccase/?q=nina@example")
    desk.get_by_role("link", name="nina@example.org").click()
    assert violations(desk) == []
    with desk.context.expect_page() as opened:
        desk.get_by_role("link", name="Look at the passport").click()
    expect(opened.value.get_by_role("img")).to_be_visible()
    assert opened.value.evaluate("document.images[0].naturalWidth") == 900
    desk.get_by_role("button", name="Approve").click()
    assert User.objects.get(pk=nina.pk).kyc_status == "pending"
    desk.get_by_label("Reason").fill("Passport is right")
    desk.get_by_role("button", name="Approve").click()
    expect(desk.get_by_text("Approved.")).to_be_visible()
    assert User.objects.get(pk=nina.pk).kyc_status == "approved"
