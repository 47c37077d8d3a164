"""HTTP for orders: one request at a time on kept connections, a third of the cost of a full client.

No redirects, no cookies, no proxies, nothing repeated by itself. For the loop of loop.py.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import cast
from urllib.parse import urlsplit

import aiohappyeyeballs
import httptools

# Shorter than the time after which servers close a connection that nobody uses.
IDLE_SECONDS = 15.0
# Before the final answer a server may send others, such as 103.
_FINAL = 200
_LENGTHS = frozenset({"content-length", "transfer-encoding"})


class NotConnected(OSError):
    """No connection could be made: not a byte of the request has left."""


class Disconnected(OSError):
    """The connection ended, or spoke something else than HTTP, before the whole answer was here."""


@dataclass(slots=True)
class Reply:
    """What the server said."""

    status: int
    reason: str
    headers: dict[str, str]
    text: str


class Transport:
    """Connections by host, made when needed and kept. `context` is for TLS."""

    def __init__(self, context: ssl.SSLContext, *, connect_seconds: float) -> None:
        self._context = context
        self._connect_seconds = connect_seconds
        self._idle: dict[str, list[_Connection]] = {}

    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, *, seconds: float
    ) -> Reply:
        """Raises NotConnected, Disconnected, or TimeoutError after `seconds` without a whole answer."""
        origin, message = _message(method, url, headers, body)
        connection = self._kept(origin) or await self._connect(origin)
        reply = await connection.ask(message, seconds)
        if connection.is_open:
            self._idle.setdefault(origin, []).append(connection)
        return reply

    def close(self) -> None:
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    def _kept(self, origin: str) -> _Connection | None:
        """The one used last: the others may grow old and be closed."""
        connections = self._idle.get(origin, [])
        oldest = time.monotonic() - IDLE_SECONDS
        while connections:
            connection = connections.pop()
            if connection.is_open and connection.used_at > oldest:
                return connection
            connection.close()
        return None

    async def _connect(self, origin: str) -> _Connection:
        parts = urlsplit(origin)
        is_secure = parts.scheme == "https"
        port = parts.port or (443 if is_secure else 80)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._connect_seconds):
                found = await loop.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
                _, connection = await loop.create_connection(
                    _Connection,
                    sock=await aiohappyeyeballs.start_connection(found, happy_eyeballs_delay=0.25),
                    ssl=self._context if is_secure else None,
                    server_hostname=parts.hostname if is_secure else None,
                )
        except (OSError, RuntimeError) as error:
            # RuntimeError: how this loop tells some failures of a socket.
            raise NotConnected(str(error)) from error
        return connection


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self.is_open = True
        self.used_at = 0.0
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Reply] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._has_begun = False
        self._reason = ""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []

    async def ask(self, message: bytes, seconds: float) -> Reply:
        assert self._transport is not None  # noqa: S101 - made before anybody has the connection
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Reply] = loop.create_future()
        self._answer = answer
        timer = loop.call_later(seconds, self._give_up)
        self._transport.write(message)
        try:
            return await answer
        except BaseException:
            # Whatever comes yet must not be taken for the answer to the next request.
            self.close()
            raise
        finally:
            timer.cancel()
            self._answer = None

    def close(self) -> None:
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    def _give_up(self) -> None:
        self._fail(TimeoutError("no answer in time"))

    def _fail(self, error: Exception) -> None:
        self.is_open = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    # --- asyncio calls these ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(Disconnected(str(error)))
            self.close()

    def eof_received(self) -> None:
        """Where the server named no length its answer ends here."""
        has_length = any(name.lower() in _LENGTHS for name in self._headers)
        if self._answer is not None and self._has_begun and not has_length:
            self._finish()

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(Disconnected(str(error or "the server closed the connection")))

    # --- httptools calls these -------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._answer is None or self._answer.done():
            # Nobody asked for it, though it may have come in one piece with what was asked for.
            self.close()
        self._has_begun, self._reason, self._headers, self._body = True, "", {}, []

    def on_status(self, status: bytes) -> None:
        self._reason += status.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        before = self._headers.get(key)
        self._headers[key] = text if before is None else f"{before}, {text}"

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() >= _FINAL:
            self._finish()

    def _finish(self) -> None:
        status, body = self._parser.get_status_code(), b"".join(self._body)
        self._has_begun = False
        self.used_at = time.monotonic()
        self.is_open = self.is_open and self._parser.should_keep_alive()
        if self._answer is None or self._answer.done():
            return
        try:
            text = _decoded(body, self._headers)
        except (zlib.error, ValueError) as error:
            self._fail(Disconnected(f"unreadable answer: {error}"))
        else:
            self._answer.set_result(Reply(status, self._reason, self._headers, text))


def _decoded(body: bytes, headers: Mapping[str, str]) -> str:
    coding = next((text for name, text in headers.items() if name.lower() == "content-encoding"), "")
    if coding in ("gzip", "deflate"):
        # Either of the two forms, told by its first bytes.
        body = zlib.decompress(body, wbits=47)
    elif coding not in ("", "identity"):
        raise ValueError(f"an encoding that was not asked for: {coding}")
    return body.decode("utf-8", errors="replace")


@lru_cache(maxsize=1024)
def _place(url: str) -> tuple[str, str, str]:
    """Origin, host header and target of an address."""
    parts = urlsplit(url)
    target = parts.path or "/"
    return f"{parts.scheme}://{parts.netloc}", parts.netloc, target


def _message(method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[str, bytes]:
    """The origin to connect to, and the request's bytes."""
    address, mark, query = url.partition("?")
    origin, host, target = _place(address)
    lines = [f"{method} {target}{mark}{query} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body or method not in ("GET", "DELETE"):
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
        raise ValueError("a line end in a header")
    return origin, head.encode("latin-1") + b"\r\n\r\n" + body
