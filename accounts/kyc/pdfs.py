"""PDF files: refused if they could do anything but be looked at, else written anew."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pikepdf

from accounts.kyc.refusals import (
    ACTIVE_CONTENT,
    IMAGE_TOO_LARGE,
    MAX_PAGES,
    MAX_PIXELS,
    TOO_LONG,
    UNREADABLE,
    FileRefused,
)

END = b"%%EOF"
MAX_DEPTH = 200
ACTIVE_KEYS = {"/JS", "/JavaScript", "/EmbeddedFiles", "/EF", "/XFA", "/RichMediaContent", "/RichMedia"}
ACTIONS = {
    *("/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/GoToR", "/GoToE"),
    *("/Rendition", "/Movie", "/Sound", "/RichMediaExecute", "/GoTo3DView"),
}
ACTIVE_KINDS = {"/EmbeddedFile", "/FileAttachment", "/RichMedia", "/Movie", "/Sound", "/Screen", "/3D"}
# What describes the file and its maker, wherever it hangs.
DESCRIPTIONS = ("/Metadata", "/PieceInfo")


def clean(data: bytes) -> bytes:
    """The pages alone: no description, nothing before or after. FileRefused."""
    _check_end(data)
    try:
        with pikepdf.open(io.BytesIO(data)) as pdf:
            _check_and_strip(pdf)
            target = io.BytesIO()
            pdf.save(target, object_stream_mode=pikepdf.ObjectStreamMode.generate, encryption=False)
    except pikepdf.PasswordError as error:
        raise FileRefused(UNREADABLE, "The PDF is protected with a password. Save it without one.") from error
    except (pikepdf.PdfError, ValueError, RuntimeError, RecursionError, AttributeError) as error:
        raise FileRefused(UNREADABLE) from error
    return target.getvalue()


def _check_end(data: bytes) -> None:
    """Nothing may follow the end: that is where archives and pages for browsers hide."""
    _, end, rest = data.rpartition(END)
    if not end or rest.strip(b"\x00 \t\r\n\f"):
        raise FileRefused(UNREADABLE)


def _check_and_strip(pdf: pikepdf.Pdf) -> None:
    for value in (*pdf.objects, pdf.trailer):
        for found in _nested(value):
            _check(found)
            for name in DESCRIPTIONS:
                if name in found:
                    del found[name]
    if "/Info" in pdf.trailer:
        del pdf.trailer["/Info"]
    pages = len(pdf.pages)
    if pages > MAX_PAGES:
        raise FileRefused(TOO_LONG)
    if not pages:
        raise FileRefused(UNREADABLE, "The PDF has no pages.")


def _nested(value: Any, depth: int = 0) -> Iterator[Any]:
    """The dictionaries and streams directly in a value; what they refer to is an object of its own."""
    if depth > MAX_DEPTH:
        raise FileRefused(UNREADABLE)
    if isinstance(value, (pikepdf.Dictionary, pikepdf.Stream)):
        yield value
        children = [child for _, child in value.items()]
    elif isinstance(value, pikepdf.Array):
        children = list(value)
    else:
        return
    for child in children:
        if isinstance(child, pikepdf.Object) and not child.is_indirect:
            yield from _nested(child, depth + 1)


def _check(found: Any) -> None:
    names = set(found.keys())
    kinds = {str(found[name]) for name in ("/Type", "/Subtype") if name in names}
    if (
        names & ACTIVE_KEYS
        or kinds & ACTIVE_KINDS
        or ("/S" in names and str(found["/S"]) in ACTIONS)
        # A stream whose bytes would be fetched from another file.
        or (isinstance(found, pikepdf.Stream) and "/F" in names)
    ):
        raise FileRefused(ACTIVE_CONTENT)
    is_image = "/Image" in kinds and {"/Width", "/Height"} <= names
    if is_image and int(found["/Width"]) * int(found["/Height"]) > MAX_PIXELS:
        raise FileRefused(IMAGE_TOO_LARGE)
