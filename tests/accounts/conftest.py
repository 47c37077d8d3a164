from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import User
from accounts.services import create_user
from tests.accounts.papers import image
from tests.factories import PASSWORD

DOCUMENTS = "/api/v1/kyc/documents/"


@pytest.fixture(autouse=True)
def private_folder(settings, tmp_path):
    """Documents of a test lie in its own folder, without a bucket, scanner or list."""
    settings.STORAGES = {
        **settings.STORAGES,
        "kyc": {
            "BACKEND": "accounts.kyc.folder.PrivateFolder",
            "OPTIONS": {"location": tmp_path / "private"},
        },
    }
    settings.CLAMAV_ADDRESS = settings.SANCTIONS_FILE = ""
    return tmp_path / "private"


@pytest.fixture
def applicant(db) -> User:
    """Somebody whose identity nobody has looked at."""
    return create_user(email="nina@example.org", password=PASSWORD)


@pytest.fixture
def send(applicant, api_of) -> Callable[..., Any]:
    """`send(kind, data, name)` sends a document of the applicant's."""
    client = api_of(applicant)

    def sent(kind: str = "passport", data: bytes | None = None, name: str = "passport.jpg") -> Any:
        file = SimpleUploadedFile(name, image() if data is None else data)
        return client.post(DOCUMENTS, {"kind": kind, "file": file}, format="multipart")

    return sent


@pytest.fixture
def kyc(applicant, api_of) -> Callable[[], dict[str, Any]]:
    """`kyc()`: how the applicant stands, by the API."""
    return lambda: api_of(applicant).get("/api/v1/kyc/").json()
