"""Files that no public address leads to: under random names, in one of the storages of the settings."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Protocol, cast

from django.core.files.base import File
from django.core.files.storage import storages


class PrivateStorage(Protocol):
    """What a private folder and a private bucket can do."""

    def save(self, name: str, content: File[bytes]) -> str: ...
    def open(self, name: str) -> Any: ...
    def open_unread(self, name: str) -> BinaryIO: ...
    def delete(self, name: str) -> None: ...
    def listdir(self, path: str) -> tuple[list[str], list[str]]: ...
    def get_modified_time(self, name: str) -> datetime: ...
    def link(self, name: str, *, media_type: str, reader: str, seconds: int) -> str: ...


@dataclass(frozen=True, slots=True)
class PrivateFiles:
    """Those of one kind: `kind` is the alias of their storage, and the folder in it."""

    kind: str

    @property
    def storage(self) -> PrivateStorage:
        return cast(PrivateStorage, storages[self.kind])

    def store(self, content: File[bytes]) -> str:
        """Keep it; returns the name, which tells nothing."""
        return self.storage.save(f"{self.kind}/{secrets.token_hex(24)}", content)

    def remove(self, name: str) -> None:
        """Twice changes nothing."""
        self.storage.delete(name)

    def orphans(self, *, known: set[str], before: datetime) -> list[str]:
        """Files older than that which no row names: what was killed half-way has left."""
        storage = self.storage
        try:
            _, names = storage.listdir(self.kind)
        except FileNotFoundError:
            return []
        unknown = [name for name in (f"{self.kind}/{base}" for base in names) if name not in known]
        return [name for name in unknown if storage.get_modified_time(name) < before]
