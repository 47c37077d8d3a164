"""Why a file is not taken. Plain Python: the process that decodes files knows no Django."""

from __future__ import annotations

from rest import codes
from rest.codes import Code

MIB = 1024 * 1024
MAX_BYTES = 10 * MIB
MAX_PIXELS = 50_000_000
MAX_PAGES = 50

EMPTY = codes.declare("file_empty", "The file is empty. Choose it again.")
TOO_LARGE = codes.declare("file_too_large", "The file is larger than 10 MiB. Send a smaller photo or scan.")
TYPE = codes.declare("file_type", "Only JPEG and PNG images and PDF files are taken.")
UNREADABLE = codes.declare(
    "file_unreadable", "The file is damaged or not what it says. Save it again, or take a new photo."
)
IMAGE_TOO_LARGE = codes.declare(
    "image_too_large", "The image has more than 50 megapixels. Send it in a lower resolution."
)
ACTIVE_CONTENT = codes.declare(
    "pdf_active_content",
    "The PDF holds scripts, actions or attached files. Print it to a new PDF and send that.",
)
TOO_LONG = codes.declare("pdf_too_long", "The PDF has more than 50 pages. Send only those that matter.")
INFECTED = codes.declare("file_infected", "The virus scanner found something in this file; it was not kept.")

BY_NAME = {
    code.name: code
    for code in (EMPTY, TOO_LARGE, TYPE, UNREADABLE, IMAGE_TOO_LARGE, ACTIVE_CONTENT, TOO_LONG, INFECTED)
}


class FileRefused(Exception):
    """This file is not taken; `detail` says more than the code's own sentence, where there is more."""

    def __init__(self, code: Code, detail: str = "") -> None:
        super().__init__(code.name)
        self.code = code
        self.detail = detail or code.meaning
