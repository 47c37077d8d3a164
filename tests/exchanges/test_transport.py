"""The lean HTTP transport for orders, against a server that says exactly what a test tells it to."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohappyeyeballs
import pytest
import uvloop

from exchanges import transport
from exchanges.transport import Disconnected, NotConnected, Reply, Transport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """Answers each request, whatever it is, with the next of `answers`; the last one is repeated."""

    answers: list[bytes | Answer]
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.requests.append(head)
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if isinstance(answer, bytes):
                    writer.write(answer)
                else:
                    await answer(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def talk(*answers: bytes | Answer, to: Callable[[Transport, Server], Awaitable[Any]]) -> Any:
    """Run a conversation with a server that gives these answers."""

    async def conversation() -> Any:
        server = Server(list(answers))
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/order"
        client = Transport(ssl.create_default_context(), connect_seconds=1)
        try:
            return await to(client, server)
        finally:
            client.close()
            listening.close()

    return uvloop.run(asyncio.wait_for(conversation(), 10))


async def ask(client: Transport, server: Server, seconds: float = 2) -> Reply:
    return await client.request("POST", server.url, {}, b"", seconds=seconds)


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def say_nothing(_: asyncio.StreamWriter) -> None:
    return None


async def cut_short(writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"orderId":')
    writer.close()


async def cut_chunks(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    writer.close()


async def until_the_end(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\nall of it")
    writer.close()


def test_a_connection_is_kept_for_the_next_request() -> None:
    async def twice(client: Transport, server: Server) -> None:
        for _ in range(2):
            assert (await ask(client, server)).text == "{}"
        assert server.connections == 1

    talk(OK, to=twice)


def test_requests_at_the_same_time_have_connections_of_their_own() -> None:
    async def both(client: Transport, server: Server) -> None:
        await asyncio.gather(ask(client, server), ask(client, server))
        assert server.connections == 2

    talk(OK, to=both)


def test_where_nobody_listens_nothing_has_left() -> None:
    async def refused(client: Transport, server: Server) -> None:
        server.url = "http://127.0.0.1:1/order"
        with pytest.raises(NotConnected):
            await ask(client, server)

    talk(OK, to=refused)


def test_where_nobody_takes_the_connection_in_time_nothing_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: Any, **__: Any) -> None:
        await asyncio.sleep(60)

    async def unanswered(client: Transport, server: Server) -> None:
        client._connect_seconds = 0.05
        monkeypatch.setattr(aiohappyeyeballs, "start_connection", never)
        with pytest.raises(NotConnected):
            await ask(client, server)
        assert server.connections == 0

    talk(OK, to=unanswered)


@pytest.mark.parametrize("answer", [close, cut_short, cut_chunks], ids=["closed", "cut short", "cut chunks"])
def test_a_lost_answer_is_never_taken_for_not_sent(answer: Answer) -> None:
    async def lost(client: Transport, server: Server) -> None:
        with pytest.raises(Disconnected):
            await ask(client, server)
        assert len(server.requests) == 1, "nothing is repeated by itself"

    talk(answer, to=lost)


def test_an_answer_that_is_no_http_is_a_lost_one() -> None:
    async def babble(client: Transport, server: Server) -> None:
        with pytest.raises(Disconnected):
            await ask(client, server)

    talk(b"what?\r\n\r\n", to=babble)


def test_a_late_answer_is_not_taken_for_the_next_requests() -> None:
    async def late(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")

    async def conversation(client: Transport, server: Server) -> None:
        with pytest.raises(TimeoutError):
            await ask(client, server, seconds=0.05)
        await asyncio.sleep(0.3)
        assert (await ask(client, server)).text == "{}"
        assert server.connections == 2

    talk(late, OK, to=conversation)


def test_a_request_that_is_given_up_closes_its_connection() -> None:
    async def conversation(client: Transport, server: Server) -> None:
        asking = asyncio.ensure_future(ask(client, server))
        await asyncio.sleep(0.05)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await ask(client, server)
        assert server.connections == 2

    talk(say_nothing, OK, to=conversation)


def test_an_answer_that_nobody_asked_for_ends_the_connection() -> None:
    async def conversation(client: Transport, server: Server) -> None:
        await ask(client, server)
        await asyncio.sleep(0.1)
        assert (await ask(client, server)).text == "{}"
        assert server.connections == 2

    async def twice(writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nunasked")

    talk(twice, OK, to=conversation)


def test_what_comes_with_an_answer_is_not_the_beginning_of_the_next() -> None:
    async def more_than_asked(writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nuna")
        await asyncio.sleep(0.05)
        writer.write(b"sked")

    async def conversation(client: Transport, server: Server) -> None:
        assert (await ask(client, server)).text == "{}"
        assert (await ask(client, server)).text == "{}"
        assert server.connections == 2

    talk(more_than_asked, OK, to=conversation)


def test_a_request_given_up_as_its_answer_arrives_closes_its_connection() -> None:
    async def conversation(client: Transport, server: Server) -> None:
        made: list[transport._Connection] = []
        connect = client._connect

        async def remembered(origin: str) -> transport._Connection:
            made.append(await connect(origin))
            return made[0]

        client._connect = remembered  # type: ignore[method-assign]
        asking = asyncio.ensure_future(ask(client, server))
        while not (made and made[0]._answer and made[0]._answer.done()):
            await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert not made[0].is_open

    talk(OK, to=conversation)


def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    async def once(writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await writer.drain()
        writer.close()

    async def conversation(client: Transport, server: Server) -> None:
        await ask(client, server)
        await asyncio.sleep(0.1)
        await ask(client, server)
        assert server.connections == 2

    talk(once, OK, to=conversation)


def test_a_connection_that_was_idle_for_long_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "IDLE_SECONDS", 0.0)

    async def conversation(client: Transport, server: Server) -> None:
        await ask(client, server)
        await ask(client, server)
        assert server.connections == 2

    talk(OK, to=conversation)


def test_a_server_that_says_close_is_believed() -> None:
    async def conversation(client: Transport, server: Server) -> None:
        await ask(client, server)
        await ask(client, server)
        assert server.connections == 2

    talk(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", to=conversation)


HEAD = b"HTTP/1.1 200 OK\r\n"
PACKED = gzip.compress(b"packed")
FORMS: dict[str, tuple[bytes | Answer, str]] = {
    "chunked": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "abcde"),
    "gzip": (
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(PACKED), PACKED),
        "packed",
    ),
    "no length": (until_the_end, "all of it"),
    "early hints first": (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK, "{}"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_an_answer_is_read(form: str) -> None:
    answer, text = FORMS[form]
    assert talk(answer, to=ask).text == text


def test_status_reason_and_headers_are_told() -> None:
    reply = talk(b"HTTP/1.1 429 Slow Down\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", to=ask)
    assert (reply.status, reply.reason, reply.headers["Retry-After"]) == (429, "Slow Down", "7")


def test_an_encoding_that_was_not_asked_for_is_a_lost_answer() -> None:
    async def unreadable(client: Transport, server: Server) -> None:
        with pytest.raises(Disconnected):
            await ask(client, server)

    talk(b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n{}", to=unreadable)


def test_a_header_cannot_smuggle_a_second_request() -> None:
    async def smuggle(client: Transport, server: Server) -> None:
        with pytest.raises(ValueError, match="line end"):
            await client.request("POST", server.url, {"X-Key": "a\r\nX-Other: b"}, b"", seconds=2)
        assert server.requests == []

    talk(OK, to=smuggle)
