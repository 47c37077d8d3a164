"""What a file really is: found by decoding it, in a process of its own that has no secrets (`decoder.py`)."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from accounts.kyc.refusals import BY_NAME, EMPTY, MAX_BYTES, TOO_LARGE, TYPE, UNREADABLE, FileRefused

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60
# A decoder may take 1.5 GiB, so few at once, whatever the number of threads that serve uploads.
_turns = threading.BoundedSemaphore(2)

JPEG, PNG, PDF = "image/jpeg", "image/png", "application/pdf"
HEIF_BRANDS = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif"}
HEIC_SENTENCE = (
    "This is a HEIC photo, which is not taken. On an iPhone choose Settings, Camera, Formats, Most "
    "Compatible and take it again, or send a screenshot of it."
)


@dataclass(frozen=True, slots=True)
class CleanFile:
    """What is kept of an upload: its content, decoded and written anew."""

    media_type: str
    content: bytes


def decode(data: bytes) -> CleanFile:
    """The clean file, or FileRefused, from a process that may die of the file without harm."""
    check_size(data)
    # Looked at here too: most wrong files need no process.
    media_type_of(data)
    with _turns:
        try:
            done = subprocess.run(
                [sys.executable, "-m", "accounts.kyc.decoder"],
                input=data,
                capture_output=True,
                cwd=ROOT,
                env={"PYTHONUTF8": "1"},
                timeout=PATIENCE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise FileRefused(UNREADABLE) from None
    if done.returncode:
        raise FileRefused(UNREADABLE)
    head, _, content = done.stdout.partition(b"\n")
    answer = json.loads(head)
    if "refused" in answer:
        raise FileRefused(BY_NAME[answer["refused"]], answer["detail"])
    return CleanFile(answer["media_type"], content)


def check_size(data: bytes) -> None:
    if not data:
        raise FileRefused(EMPTY)
    if len(data) > MAX_BYTES:
        raise FileRefused(TOO_LARGE)


def media_type_of(data: bytes) -> str:
    """Which decoder is to judge; the first bytes alone prove nothing."""
    if data.startswith(b"\xff\xd8\xff"):
        return JPEG
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if data.startswith(b"%PDF-"):
        return PDF
    if data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS:
        raise FileRefused(TYPE, HEIC_SENTENCE)
    raise FileRefused(TYPE)
