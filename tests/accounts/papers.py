"""Files as people send them, good and bad."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pikepdf
from PIL import Image

SCRIPT = b"<html><script>alert(1)</script></html>"


def image(form: str = "JPEG", size: tuple[int, int] = (60, 40), mode: str = "RGB", **options: Any) -> bytes:
    target = io.BytesIO()
    Image.new(mode, size, 120 if mode in {"L", "I;16"} else None).save(target, form, **options)
    return target.getvalue()


def told_on(form: str = "JPEG") -> bytes:
    """A picture, lying on its side, that says where and how it was taken, with something behind its end."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "SECRET exif"
    profile = b"SECRET profile" + bytes(200)
    extra: dict[str, Any] = {"comment": b"SECRET comment", "xmp": b"SECRET xmp"} if form == "JPEG" else {}
    return image(form, exif=exif, icc_profile=profile, **extra) + b"PK\x03\x04SECRET archive"


def pdf(pages: int = 1, change: Callable[[pikepdf.Pdf], None] = lambda made: None, **options: Any) -> bytes:
    made = pikepdf.new()
    for _ in range(pages):
        made.add_blank_page()
    change(made)
    target = io.BytesIO()
    made.save(target, **options)
    return target.getvalue()


def written_by_hand(catalog: bytes = b"", more: bytes = b"") -> bytes:
    """A PDF as a text editor makes it: without a table of its objects."""
    return (
        b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R" + catalog + b">>\nendobj\n"
        b"2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n"
        b"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>\nendobj\n"
        + more
        + b"trailer\n<</Root 1 0 R>>\n%%EOF\n"
    )


def archive() -> bytes:
    """Small outside, 50 MB inside."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("zeros", bytes(50_000_000))
    return target.getvalue()


def gif_that_is_a_script() -> bytes:
    return b"GIF89a=1;alert(1);/*" + image("GIF")[6:] + b"*/"


def image_of_two_gigapixels() -> bytes:
    """50,000 by 50,000 in a header, and nothing behind it."""
    small = image("PNG", (1, 1), "1")
    size = (50_000).to_bytes(4, "big")
    header = b"IHDR" + size + size + small[24:29]
    return small[:12] + header + zlib.crc32(header).to_bytes(4, "big") + small[33:]
