"""Photos and scans: decoded and written anew, so that nothing but the picture remains."""

from __future__ import annotations

import io

from PIL import Image, ImageOps

from accounts.kyc.refusals import IMAGE_TOO_LARGE, MAX_PIXELS, UNREADABLE, FileRefused

# The size is looked at before anything is decoded; Pillow's own limit is a warning.
Image.MAX_IMAGE_PIXELS = None
QUALITY = 92
# Of 50 megapixels the highest level takes a minute.
PNG_LEVEL = 2


def clean(data: bytes, *, form: str) -> bytes:
    """The picture alone, upright; `form` is JPEG or PNG. FileRefused."""
    try:
        return _clean(data, form)
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise FileRefused(UNREADABLE) from error


def _clean(data: bytes, form: str) -> bytes:
    with Image.open(io.BytesIO(data), formats=[form]) as image:
        if image.width * image.height > MAX_PIXELS:
            raise FileRefused(IMAGE_TOO_LARGE)
        image.verify()
    # A verified image cannot be used any further.
    with Image.open(io.BytesIO(data), formats=[form]) as image:
        image.load()
        picture = _ordinary(ImageOps.exif_transpose(image), keep_alpha=form == "PNG")
    # What Pillow would write along by itself: comment, colour profile, text.
    picture.info.clear()
    target = io.BytesIO()
    if form == "JPEG":
        picture.save(target, "JPEG", quality=QUALITY, exif=b"")
    else:
        picture.save(target, "PNG", compress_level=PNG_LEVEL, exif=b"")
    return target.getvalue()


def _ordinary(image: Image.Image, *, keep_alpha: bool) -> Image.Image:
    """In a mode that every browser shows."""
    if image.mode.startswith("I"):  # 16 bits of grey: converting would cut them off, not scale them.
        return image.convert("I").point([value // 256 for value in range(65536)], "L")
    has_alpha = image.mode in {"LA", "RGBA", "PA"} or "transparency" in image.info
    wanted = "RGBA" if has_alpha and keep_alpha else "L" if image.mode in {"1", "L"} else "RGB"
    return image if image.mode == wanted else image.convert(wanted)
