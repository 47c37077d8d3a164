"""The one way to an address that a person gave us: only to the public internet, and to where it was checked.

The name is resolved once, every answer is checked, and the connection goes to a checked address with the
name kept for TLS and the Host header; a name that leads elsewhere a moment later changes nothing.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.conf import settings

STEP_SECONDS, WHOLE_SECONDS = 5.0, 10.0
MOST_SENT, MOST_READ = 64 * 1024, 1024
LONGEST_URL = 500
# What leads on to addresses of the older protocol, which may be private ones; local-use translation.
NOT_PLAIN_IPV6 = [ipaddress.ip_network(text) for text in ("2001::/32", "2002::/16", "64:ff9b::/96")]
GLOBAL_IPV6 = ipaddress.ip_network("2000::/3")
HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Unreachable(Exception):
    """It was not delivered; the sentence says why, without the address."""


class AddressRefused(Unreachable):
    """This address is none of the public internet's, or not one that we send to."""


def resolve(host: str, port: int) -> list[str]:
    """Every address of a name, as the system's resolver tells them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: Address) -> bool:
    """Whether it is one of the internet's, and not of this machine, its network, its cloud or its carrier."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        is_plain = not any(address in network for network in NOT_PLAIN_IPV6)
        return address in GLOBAL_IPV6 and is_plain and address.is_global
    return address.is_global and not address.is_multicast and not address.is_reserved


def _default_context() -> ssl.SSLContext:
    return ssl.create_default_context()


@dataclass(frozen=True, slots=True)
class Gate:
    """`resolve` and `is_allowed` are what a test puts in the place of the internet."""

    resolve: Callable[[str, int], list[str]] = resolve
    is_allowed: Callable[[Address], bool] = is_public
    is_plain_http_allowed: bool = field(default_factory=lambda: bool(settings.DEBUG))
    context: Callable[[], ssl.SSLContext] = _default_context


@dataclass(frozen=True, slots=True)
class Target:
    is_tls: bool
    host: str
    port: int
    path: str


def parse(url: str, gate: Gate) -> Target:
    """Where the address leads, as far as it can be told without asking. AddressRefused."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressRefused("This is not an address.") from error
    schemes = {"https", "http"} if gate.is_plain_http_allowed else {"https"}
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in schemes:
        raise AddressRefused("The address must begin with https://.")
    if parts.username or parts.password or parts.fragment or len(url) > LONGEST_URL:
        raise AddressRefused("No user, password or fragment, and at most 500 characters.")
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise AddressRefused("The address has characters that an address cannot have.")
    if not (_is_ipv6(host) or HOST.fullmatch(host)):
        raise AddressRefused("The address has no host that can be looked up.")
    is_tls = parts.scheme == "https"
    port = port or (443 if is_tls else 80)
    if port < 1024 and port not in (443, 80):
        raise AddressRefused("The port must be 443 or above 1023.")
    query = f"?{parts.query}" if parts.query else ""
    return Target(is_tls, host, port, (parts.path or "/") + query)


def check(url: str, gate: Gate) -> None:
    """Refuse an address that leads nowhere we send to. A name not known yet passes. AddressRefused."""
    target = parse(url, gate)
    try:
        addresses = gate.resolve(target.host, target.port)
    except (OSError, UnicodeError):
        return
    _check_all(addresses, gate)


def post(url: str, body: bytes, headers: Mapping[str, str], gate: Gate) -> None:
    """Deliver; anything but an answer of 200-299 is Unreachable. Redirects are not followed."""
    target = parse(url, gate)
    if len(body) > MOST_SENT:
        raise Unreachable("The message is too long.")
    try:
        addresses = gate.resolve(target.host, target.port)
    except (OSError, UnicodeError) as error:
        raise Unreachable("The name is not known.") from error
    address = _check_all(addresses, gate)
    try:
        status = _exchange(target, address, body, headers, gate)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable("It did not answer as it should.") from error
    if 300 <= status < 400:
        raise Unreachable(f"It answered {status}: redirects are not followed.")
    if not 200 <= status < 300:
        raise Unreachable(f"It answered {status}.")


def _check_all(addresses: list[str], gate: Gate) -> str:
    """The first of them, if all of them are allowed."""
    for text in addresses:
        # A zone index means something on one machine only.
        if not gate.is_allowed(ipaddress.ip_address(text.partition("%")[0])):
            raise AddressRefused("The address does not lead to the public internet.")
    if not addresses:
        raise Unreachable("The name is not known.")
    return addresses[0]


def _exchange(target: Target, address: str, body: bytes, headers: Mapping[str, str], gate: Gate) -> int:
    sock = socket.create_connection((address, target.port), timeout=STEP_SECONDS)
    if target.is_tls:
        sock = gate.context().wrap_socket(sock, server_hostname=target.host, do_handshake_on_connect=False)
    # Each step has its time-out; who sends a byte now and then would hold us for ever without this one.
    stop = threading.Timer(WHOLE_SECONDS, _shut, [sock])
    stop.daemon = True
    stop.start()
    try:
        if isinstance(sock, ssl.SSLSocket):
            sock.do_handshake()
        connection = http.client.HTTPConnection(target.host, target.port, timeout=STEP_SECONDS)
        connection.default_port = 443 if target.is_tls else 80
        connection.sock = sock
        connection.request("POST", target.path, body, {**headers, "Connection": "close"})
        response = connection.getresponse()
        response.read(MOST_READ)
        return response.status
    finally:
        stop.cancel()
        sock.close()


def _shut(sock: socket.socket) -> None:
    # Closed by itself just now, there is nothing to shut. Not the TLS way of it, which would wait.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _is_ipv6(host: str) -> bool:
    try:
        # A zone index is about this machine's own network.
        return "%" not in host and isinstance(ipaddress.ip_address(host), ipaddress.IPv6Address)
    except ValueError:
        return False
