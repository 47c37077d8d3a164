"""Private files in a folder of this machine; to identity documents a signed, expiring address leads."""

from __future__ import annotations

from typing import Any, BinaryIO, cast

from django.core import signing
from django.core.files.storage import FileSystemStorage
from django.urls import reverse

SALT = "accounts.kyc.folder"


class PrivateFolder(FileSystemStorage):
    def __init__(self, **options: Any) -> None:
        super().__init__(file_permissions_mode=0o600, directory_permissions_mode=0o700, **options)

    def link(self, name: str, *, media_type: str, reader: str, seconds: int) -> str:
        """Where `reader` (a public id), and nobody else, reads the file for so many seconds."""
        return reverse("kyc_file", args=[signing.dumps([name, media_type, reader, seconds], salt=SALT)])

    def open_unread(self, name: str) -> BinaryIO:
        return cast(BinaryIO, self.open(name))

    def url(self, name: str | None) -> str:
        raise ValueError("These files have no public address.")


class LinkInvalid(Exception):
    """Not one of our links, another person's, or expired."""


def read_link(text: str, *, reader: str) -> tuple[str, str]:
    """The name and media type that a link was made for; LinkInvalid."""
    try:
        name, media_type, for_whom, seconds = signing.loads(text, salt=SALT)
        signing.loads(text, salt=SALT, max_age=seconds)
    except signing.BadSignature as error:
        raise LinkInvalid from error
    if for_whom != reader:
        raise LinkInvalid
    return name, media_type
