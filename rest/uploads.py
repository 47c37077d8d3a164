"""Files that are sent: kept in memory up to a limit, read and dropped beyond it.

Reading to the end lets the sender see the refusal, where closing early would break the connection.
"""

from __future__ import annotations

import io

from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler

# One byte above what any part of the platform takes, so that "too large" is seen.
KEPT_BYTES = 10 * 1024 * 1024 + 1


class KeepAtMost(FileUploadHandler):
    """Also of a name or a type that was sent nothing is believed."""

    def new_file(self, *args: object, **kwargs: object) -> None:
        super().new_file(*args, **kwargs)  # type: ignore[arg-type]
        self.kept = io.BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.kept.write(raw_data[: max(0, KEPT_BYTES - start)])

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        self.kept.seek(0)
        return InMemoryUploadedFile(
            self.kept, self.field_name, "upload", "application/octet-stream", file_size, None
        )
