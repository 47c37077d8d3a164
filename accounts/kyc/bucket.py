"""Identity documents in a private S3 bucket, encrypted there, read by presigned addresses."""

from __future__ import annotations

from typing import Any

from storages.backends.s3 import S3Storage


class PrivateBucket(S3Storage):  # type: ignore[misc]
    def link(self, name: str, *, media_type: str, reader: str, seconds: int) -> str:
        """Where whoever has it reads the file for so many seconds."""
        parameters: dict[str, Any] = {
            "ResponseContentType": media_type,
            "ResponseContentDisposition": "inline",
            "ResponseCacheControl": "no-store",
        }
        address: str = self.url(name, parameters=parameters, expire=seconds)
        return address
