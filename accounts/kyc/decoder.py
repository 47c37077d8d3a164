"""`python -m accounts.kyc.decoder` decodes one file: file in, a line of JSON and the clean file out.

It has little memory, little time and no secrets, and may die of what it reads.
"""

from __future__ import annotations

import json
import resource
import sys

from accounts.kyc import images, pdfs
from accounts.kyc.decoding import JPEG, PDF, CleanFile, check_size, media_type_of
from accounts.kyc.refusals import MAX_BYTES, MIB, FileRefused

# 50 megapixels, decoded, turned upright and encoded, fit; more is a bomb.
MEMORY_BYTES = 1536 * MIB
CPU_SECONDS = 30


def decode(data: bytes) -> CleanFile:
    """The clean file, or FileRefused; whatever else happens ends this process."""
    check_size(data)
    media_type = media_type_of(data)
    if media_type == PDF:
        return CleanFile(PDF, pdfs.clean(data))
    return CleanFile(media_type, images.clean(data, form="JPEG" if media_type == JPEG else "PNG"))


def main() -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        clean = decode(sys.stdin.buffer.read(MAX_BYTES + 1))
    except FileRefused as refused:
        answer, content = {"refused": refused.code.name, "detail": refused.detail}, b""
    else:
        answer, content = {"media_type": clean.media_type}, clean.content
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
