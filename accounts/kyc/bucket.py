"""Private files in an S3 bucket, encrypted there; identity documents are read by presigned addresses."""

from __future__ import annotations

from typing import Any, BinaryIO, cast

from botocore.exceptions import ClientError
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

    def open_unread(self, name: str) -> BinaryIO:
        """To be read as it comes, of any size: the library's own `open` fetches it whole."""
        try:
            body = self.bucket.Object(self._normalize_name(name)).get()["Body"]
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                raise FileNotFoundError(name) from error
            raise
        return cast(BinaryIO, body)
