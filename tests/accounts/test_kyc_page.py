"""The page of one's identity check, as people use it without JavaScript."""

import io

import pytest
from django.test import Client

from accounts.kyc.models import KycCase, KycDocument
from tests.accounts.papers import SCRIPT, image
from tests.accounts.test_kyc_api import ANA


@pytest.fixture
def page(applicant) -> Client:
    client = Client()
    client.force_login(applicant)
    return client


def upload(client, data, kind="passport", **headers):
    return client.post("/kyc/documents/", {"kind": kind, "file": io.BytesIO(data)}, headers=headers or None)


def test_a_document_is_sent_and_the_page_says_so(page):
    answer = page.post("/kyc/documents/", {"kind": "selfie", "file": io.BytesIO(image())}, follow=True)
    shown = answer.content.decode()
    assert "Photo of your face received" in shown
    assert "A reviewer looks at your documents." in shown
    assert answer.redirect_chain == [("/kyc/", 302)]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "The file is empty."),
        (SCRIPT, "Only JPEG and PNG images and PDF files are taken."),
        (b"\x00\x00\x00\x18ftypheic" + bytes(40), "This is a HEIC photo"),
        (bytes(10 * 1024 * 1024 + 1), "larger than 10 MiB"),
    ],
)
def test_a_refused_file_is_explained_beside_its_field(page, data, sentence):
    answer = upload(page, data)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not KycDocument.objects.exists()


def test_an_upload_in_the_background_brings_back_the_part_that_changed(page):
    answer = upload(page, image(), **{"HX-Request": "true"})
    shown = answer.content.decode()
    assert shown.lstrip().startswith('<div id="kyc"')
    assert "A reviewer looks at your documents." in shown


def test_without_a_file_the_page_asks_for_one(page):
    answer = page.post("/kyc/documents/", {"kind": "passport"})
    assert (answer.status_code, "Choose a file first." in answer.content.decode()) == (422, True)


def test_details_are_saved_and_wrong_ones_told_by_the_rules_of_the_api(page):
    wrong = page.post("/kyc/details/", ANA | {"birth_date": "2020-01-01", "legal_name": "A\u202eB"})
    assert wrong.status_code == 422
    assert set(wrong.context["details_form"].errors) == {"birth_date", "legal_name"}
    shown = page.post("/kyc/details/", ANA, follow=True).content.decode()
    assert "Nina García" in shown
    assert ANA["document_number"] not in shown


def test_ones_own_document_can_be_looked_at_and_nobody_elses(page, stranger):
    upload(page, image())
    address = f"/kyc/documents/{KycDocument.objects.get().public_id}/"
    seen = page.get(address, follow=True)
    assert (seen.status_code, seen["Content-Type"]) == (200, "image/jpeg")
    other = Client()
    other.force_login(stranger)
    assert other.get(address).status_code == 404
    assert other.get(seen.redirect_chain[0][0]).status_code == 404
    assert Client().get(address).status_code == 302


def test_who_is_approved_is_not_asked_for_anything(user):
    client = Client()
    client.force_login(user)
    shown = client.get("/kyc/").content.decode()
    assert "Your identity is approved." in shown
    assert "Send document" not in shown
    assert upload(client, image()).status_code == 422
    assert not KycCase.objects.filter(documents__isnull=False).exists()
