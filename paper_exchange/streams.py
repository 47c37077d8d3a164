"""Events over WebSocket: each account's own orders and balances, and public market data."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

from .accounts import Account
from .answers import Refusal
from .faults import Faults, Rule

SLOWEST_READER = 10_000
HEARTBEAT_SECONDS = 20.0


class Connection:
    """One socket with its own queue, so that a slow reader delays nobody."""

    def __init__(self, socket: web.WebSocketResponse, request: web.BaseRequest) -> None:
        self.socket = socket
        self.transport = request.transport
        self.subscribed: set[str] = set()
        self.accounts: dict[int, Account] = {}
        self.next_subscription = 0
        self._queue: asyncio.Queue[str] = asyncio.Queue(SLOWEST_READER)

    def send(self, text: str) -> None:
        """Queue a message. A reader too far behind is cut off, as the venue does."""
        try:
            self._queue.put_nowait(text)
        except asyncio.QueueFull:
            self.cut()

    def cut(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    async def write(self) -> None:
        while True:
            text = await self._queue.get()
            await self.socket.send_str(text)


Receive = Callable[[Connection, dict[str, Any]], None]


class Streams:
    """All open sockets."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.users: dict[str, dict[Connection, int]] = {}
        self.markets: set[Connection] = set()
        self.refused: list[tuple[str, float]] = []

    async def serve(self, request: web.BaseRequest, receive: Receive) -> web.WebSocketResponse:
        """Run one socket to its end; `receive` is given each JSON object the client sends."""
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT_SECONDS, max_msg_size=1 << 20)
        await socket.prepare(request)
        connection = Connection(socket, request)
        writer = asyncio.create_task(connection.write())
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    _receive(connection, message.data, receive)
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            self._forget(connection)
        return socket

    def subscribe_user(self, connection: Connection, account: Account) -> int:
        number = connection.next_subscription
        connection.next_subscription += 1
        connection.accounts[number] = account
        self.users.setdefault(account.api_key, {})[connection] = number
        now = asyncio.get_running_loop().time()
        if any(key in ("", account.api_key) and now < until for key, until in self.refused):
            connection.cut()
        return number

    def unsubscribe_user(self, connection: Connection, number: int | None) -> None:
        numbers = list(connection.accounts) if number is None else [number]
        for each in numbers:
            account = connection.accounts.pop(each, None)
            if account is not None:
                self.users.get(account.api_key, {}).pop(connection, None)

    def listens(self, account: Account) -> bool:
        return bool(self.users.get(account.api_key))

    def tell_user(self, account: Account, event: dict[str, Any]) -> None:
        """Send an event to every stream of this account, unless a fault says otherwise."""
        listeners = self.users.get(account.api_key)
        if not listeners:
            return
        struck = self.faults.strike_stream(account.api_key, event.get("s", "")) if self.faults.rules else []
        kinds = {rule.kind for rule in struck}
        if "stream_silence" in kinds:
            return
        delay = max((_seconds(rule) for rule in struck if rule.kind == "stream_delay"), default=0.0)
        copies = 2 if "stream_duplicate" in kinds else 1
        for connection, number in listeners.items():
            text = json.dumps({"subscriptionId": number, "event": event}, separators=(",", ":"))
            for _ in range(copies):
                _send(connection, text, delay)

    def disconnect(self, rule: Rule) -> None:
        """Cut the streams of the rule's key (all without one), and refuse new ones for its seconds."""
        if rule.seconds:
            self.refused.append((rule.key, asyncio.get_running_loop().time() + rule.seconds))
        keys = [rule.key] if rule.key else list(self.users)
        for key in keys:
            for connection in list(self.users.get(key, {})):
                connection.cut()

    def tell_market(self, stream: str, event: dict[str, Any] | list[dict[str, Any]]) -> None:
        text = ""
        for connection in self.markets:
            if stream in connection.subscribed:
                text = text or json.dumps(event, separators=(",", ":"))
                connection.send(text)

    def wanted(self) -> set[str]:
        return set().union(*(connection.subscribed for connection in self.markets))

    async def close(self) -> None:
        for connection in [*self.markets, *(each for users in self.users.values() for each in users)]:
            connection.cut()

    def _forget(self, connection: Connection) -> None:
        self.markets.discard(connection)
        self.unsubscribe_user(connection, None)


def _send(connection: Connection, text: str, delay: float) -> None:
    if delay:
        asyncio.get_running_loop().call_later(delay, connection.send, text)
    else:
        connection.send(text)


def _seconds(rule: Rule) -> float:
    return rule.seconds or rule.ms / 1000


def _receive(connection: Connection, text: str, receive: Receive) -> None:
    """Answer a message; what cannot be read is answered with the venue's error."""
    request_id: Any = None
    try:
        message = json.loads(text)
        if not isinstance(message, dict):
            raise Refusal(-1135, "Invalid JSON Request")
        request_id = message.get("id")
        receive(connection, message)
    except json.JSONDecodeError:
        connection.send('{"error":{"code":-1135,"msg":"Invalid JSON Request"}}')
    except Refusal as refusal:
        error = {"code": refusal.code, "msg": refusal.message}
        connection.send(json.dumps({"id": request_id, "status": refusal.status, "error": error}))
