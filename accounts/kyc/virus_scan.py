"""Asking ClamAV, where one is configured, over its INSTREAM command."""

from __future__ import annotations

import socket
import struct

import structlog
from django.conf import settings

from accounts.kyc.models import KycDocument

SECONDS = 20
PIECE = 64 * 1024
log = structlog.get_logger(__name__)


def scan(data: bytes) -> KycDocument.Scan:
    """What the scanner says; without one, or without its answer, `not_scanned` and never `clean`."""
    if not settings.CLAMAV_ADDRESS:
        return KycDocument.Scan.NOT_SCANNED
    try:
        answer = _ask(settings.CLAMAV_ADDRESS, data)
    except OSError as error:
        log.warning("virus_scanner_unavailable", error=type(error).__name__)
        return KycDocument.Scan.NOT_SCANNED
    if answer == b"stream: OK":
        return KycDocument.Scan.CLEAN
    if answer.startswith(b"stream: ") and answer.endswith(b" FOUND"):
        return KycDocument.Scan.INFECTED
    # Such as "INSTREAM size limit exceeded".
    log.warning("virus_scanner_refused", answer=answer[:100].decode(errors="replace"))
    return KycDocument.Scan.NOT_SCANNED


def _ask(address: str, data: bytes) -> bytes:
    """`address` is host:port, or the path of a socket."""
    with _connected(address) as connection:
        connection.settimeout(SECONDS)
        connection.sendall(b"zINSTREAM\0")
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            connection.sendall(struct.pack("!I", len(piece)) + piece)
        connection.sendall(struct.pack("!I", 0))
        answer = b""
        while not answer.endswith(b"\0") and (piece := connection.recv(4096)):
            answer += piece
    return answer.rstrip(b"\0")


def _connected(address: str) -> socket.socket:
    if address.startswith("/"):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(SECONDS)
        connection.connect(address)
        return connection
    host, _, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS)
