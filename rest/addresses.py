"""Where a request comes from."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from django.conf import settings
from django.http import HttpRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_ip(request: HttpRequest) -> str | None:
    """The caller's address. X-Forwarded-For counts only as far as trusted proxies wrote it."""
    trusted = _trusted_proxies()
    address = _parse(request.META.get("REMOTE_ADDR", ""))
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while hops and _is_proxy(address, trusted):
        nearer = _parse(hops.pop().strip())
        if nearer is None:
            break
        address = nearer
    return str(address) if address else None


def comes_from_proxy(request: HttpRequest) -> bool:
    """Whether one of our proxies sent it: what it says about the caller's connection is true."""
    return _is_proxy(_parse(request.META.get("REMOTE_ADDR", "")), _trusted_proxies())


def within(address: Address | str, networks: Iterable[Network | str]) -> bool:
    """Whether the address lies in one of the networks (text such as `10.0.0.0/8` or one address)."""
    parsed = _parse(address) if isinstance(address, str) else address
    return parsed is not None and any(
        parsed in ipaddress.ip_network(network, strict=False) for network in networks
    )


def _trusted_proxies() -> list[Network]:
    return [ipaddress.ip_network(text, strict=False) for text in settings.TRUSTED_PROXIES]


def _is_proxy(address: Address | None, trusted: list[Network]) -> bool:
    # A local socket has no address: whoever may write to it is the proxy.
    return bool(trusted) and (address is None or within(address, trusted))


def _parse(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        # A zone index means something on one machine only.
        return address.ipv4_mapped or ipaddress.IPv6Address(int(address))
    return address
