"""From an HTTP request to its answer, with the faults that were asked for in between."""

import asyncio
import json
import socket
import struct
from typing import cast

from aiohttp import web

from . import control, market_data, sockets, trading
from .answers import Refusal
from .calls import Call, Route, read_params
from .control import BadBody, ControlRoute, Forbidden
from .faults import Rule
from .streams import Connection
from .venue import Venue

ROUTES: dict[str, Route] = trading.ROUTES | market_data.ROUTES
_JSON = {"Content-Type": "application/json;charset=UTF-8"}
_HTML = {"Content-Type": "text/html"}
_STREAMS_INSTEAD = "Please use WebSocket Streams for live updates to avoid"
_DEFAULT_BODIES = {
    429: (
        -1003,
        "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. "
        f"{_STREAMS_INSTEAD} polling the API.",
    ),
    418: (-1003, f"Way too much request weight used; IP banned. {_STREAMS_INSTEAD} bans."),
    503: (-1001, "Internal error; unable to process your request. Please try again."),
    504: (
        -1007,
        "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
    ),
}


class Dispatcher:
    """Handles every request of the server."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.latency = venue.options.latency_ms / 1000

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        if path.startswith("/ws-api/"):
            return await self.venue.streams.serve(request, self._receive_user)
        if path == "/stream" or path.startswith(("/stream/", "/ws")):
            return await self.venue.streams.serve(request, self._receive_market)
        name = f"{request.method} {path}"
        body = await request.read() if request.can_read_body else b""
        controlled = control.ROUTES.get(name)
        if controlled is not None:
            return self._control(request, controlled, query, body)
        route = ROUTES.get(name)
        if route is None:
            return _refused(Refusal(-1020, "This operation is not supported.", 404))
        try:
            params = read_params(query, body)
        except Refusal as refusal:
            return _refused(refusal)
        call = Call(
            self.venue,
            request.headers.get("X-MBX-APIKEY"),
            query.encode("utf-8", "surrogateescape"),
            body,
            params,
        )
        return await self._answer(request, route, call)

    async def _answer(self, request: web.BaseRequest, route: Route, call: Call) -> web.StreamResponse:
        if self.venue.faults.rules:
            params = call.params
            call.struck = self.venue.faults.strike(
                route.endpoint, call.api_key or "", params.get("symbol", ""), params.get("side", "")
            )
        if not call.struck and not self.latency:
            return _answered(route, call)
        return await self._misbehave(request, route, call)

    async def _misbehave(self, request: web.BaseRequest, route: Route, call: Call) -> web.StreamResponse:
        """Latency lies half before and half after acceptance, as on a real line."""
        half = (self.latency + sum(rule.ms for rule in call.struck if rule.kind == "latency") / 1000) / 2
        await asyncio.sleep(half + sum(_seconds(rule) for rule in call.struck if rule.kind == "hold"))
        for rule in call.struck:
            instead = _instead(rule, request)
            if instead is not None:
                return instead
        response = _answered(route, call)
        await asyncio.sleep(half)
        for rule in call.struck:
            response = _spoil(rule, request, response)
        return response

    def _control(
        self, request: web.BaseRequest, route: ControlRoute, query: str, body: bytes
    ) -> web.StreamResponse:
        try:
            if route.loopback_only:
                control.check_loopback(request.remote)
            params = read_params(query, b"")
            text = control.answer(route, Call(self.venue, None, b"", body, params))
        except Forbidden:
            return _json({"error": "control is for loopback peers only"}, 403)
        except (BadBody, Refusal) as error:
            return _json({"error": str(error)}, 400)
        return web.Response(text=text, status=route.status, headers=_JSON)

    def _receive_user(self, connection: Connection, message: sockets.Message) -> None:
        sockets.receive_user(self.venue, connection, message)

    def _receive_market(self, connection: Connection, message: sockets.Message) -> None:
        sockets.receive_market(self.venue, connection, message)


def _answered(route: Route, call: Call) -> web.Response:
    try:
        text = route.answer(call)
    except Refusal as refusal:
        return _refused(refusal)
    return web.Response(body=text.encode(), headers=_JSON)


def _instead(rule: Rule, request: web.BaseRequest) -> web.Response | None:
    """The answer of a fault that strikes before acceptance."""
    match rule.kind:
        case "reset_before":
            return _reset(request)
        case "maintenance":
            return _json({"code": 1, "msg": "System is under maintenance."}, 503)
        case "status" if rule.when == "before":
            return _status(rule)
        case "html" if rule.when == "before":
            return _html(rule)
    return None


def _spoil(rule: Rule, request: web.BaseRequest, response: web.Response) -> web.Response:
    """What becomes of an answer under a fault that strikes after acceptance."""
    match rule.kind:
        case "reset_after":
            return _reset(request)
        case "drop_after":
            if request.transport is not None:
                request.transport.close()
        case "status" if rule.when == "after":
            return _status(rule)
        case "html" if rule.when == "after":
            return _html(rule)
        case "cut_short":
            body = cast(bytes, response.body)
            return web.Response(body=body[: len(body) // 2], status=response.status, headers=_JSON)
        case "torn":
            _tear(request, cast(bytes, response.body))
    return response


def _tear(request: web.BaseRequest, body: bytes) -> None:
    """Announce the whole body, send half of it and close."""
    if request.transport is not None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        request.transport.write(head.encode() + body[: len(body) // 2])
        request.transport.close()


def _reset(request: web.BaseRequest) -> web.Response:
    """A TCP reset: with no linger time the socket is torn down at once. The response reaches nobody."""
    transport = request.transport
    if transport is not None:
        peer = transport.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()


def _status(rule: Rule) -> web.Response:
    status = rule.status or 500
    code, message = _DEFAULT_BODIES.get(
        status, (-1000, "An unknown error occurred while processing the request.")
    )
    headers = dict(_JSON if rule.body is None else _HTML)
    if rule.retry_after is not None:
        headers["Retry-After"] = str(rule.retry_after)
    text = json.dumps({"code": code, "msg": message}) if rule.body is None else rule.body
    return web.Response(text=text, status=status, headers=headers)


def _html(rule: Rule) -> web.Response:
    title = "502 Bad Gateway"
    page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return web.Response(text=rule.body or page, status=rule.status or 502, headers=_HTML)


def _refused(refusal: Refusal) -> web.Response:
    return _json({"code": refusal.code, "msg": refusal.message}, refusal.status)


def _json(value: object, status: int) -> web.Response:
    return web.Response(text=json.dumps(value, separators=(",", ":")), status=status, headers=_JSON)


def _seconds(rule: Rule) -> float:
    return rule.seconds or rule.ms / 1000
