"""Where the files of documents are: under random names, in the folder or the bucket of the settings."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import cast

from django.core.files.base import ContentFile
from django.core.files.storage import storages

from accounts.kyc.folder import PrivateFolder
from accounts.kyc.models import KycDocument
from accounts.models import User

LINK_SECONDS = 60
PREFIX = "kyc"


def _storage() -> PrivateFolder:
    """A PrivateFolder or a PrivateBucket, which can do the same."""
    return cast(PrivateFolder, storages["kyc"])


def store(content: bytes) -> str:
    """Keep it; returns the name, which tells nothing."""
    name = f"{PREFIX}/{secrets.token_hex(24)}"
    return _storage().save(name, ContentFile(content))


def read(name: str) -> bytes:
    with _storage().open(name) as file:
        content: bytes = file.read()
    return content


def remove(name: str) -> None:
    """Twice changes nothing."""
    _storage().delete(name)


def link(document: KycDocument, *, reader: User) -> str:
    """A short-lived address of the file, made for one reader."""
    return _storage().link(
        document.stored_as,
        media_type=document.media_type,
        reader=str(reader.public_id),
        seconds=LINK_SECONDS,
    )


def orphans(*, known: set[str], before: datetime) -> list[str]:
    """Files older than that which no document names: what a killed upload or a replaced document left."""
    storage = _storage()
    try:
        _, names = storage.listdir(PREFIX)
    except FileNotFoundError:
        return []
    unknown = [name for name in (f"{PREFIX}/{base}" for base in names) if name not in known]
    return [name for name in unknown if storage.get_modified_time(name) < before]
