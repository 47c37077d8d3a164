"""Where the files of documents are: under random names, in the folder or the bucket of the settings."""

from __future__ import annotations

from datetime import datetime

from django.core.files.base import ContentFile

from accounts.kyc.models import KycDocument
from accounts.models import User
from records.private_files import PrivateFiles

LINK_SECONDS = 60
_FILES = PrivateFiles("kyc")


def store(content: bytes) -> str:
    """Keep it; returns the name, which tells nothing."""
    return _FILES.store(ContentFile(content))


def read(name: str) -> bytes:
    with _FILES.storage.open(name) as file:
        content: bytes = file.read()
    return content


def remove(name: str) -> None:
    """Twice changes nothing."""
    _FILES.remove(name)


def link(document: KycDocument, *, reader: User) -> str:
    """A short-lived address of the file, made for one reader."""
    return _FILES.storage.link(
        document.stored_as,
        media_type=document.media_type,
        reader=str(reader.public_id),
        seconds=LINK_SECONDS,
    )


def orphans(*, known: set[str], before: datetime) -> list[str]:
    """Files older than that which no document names: what a killed upload or a replaced document left."""
    return _FILES.orphans(known=known, before=before)
