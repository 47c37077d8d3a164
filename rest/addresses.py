"""Where a request comes from."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from django.conf import settings
from django.http import HttpRequest

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_ip(request: HttpRequest) -> str | None:
    """The caller's address. X-Forwarded-For counts only as far as trusted proxies wrote it."""
    trusted = [ipaddress.ip_network(text, strict=False) for text in settings.TRUSTED_PROXIES]
    address = _parse(request.META.get("REMOTE_ADDR", ""))
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if trusted else []
    # A local socket has no address: whoever may write to it is the proxy.
    while hops and (address is None or within(address, trusted)):
        nearer = _parse(hops.pop().strip())
        if nearer is None:
            break
        address = nearer
    return str(address) if address else None


def within(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address | str, networks: Iterable[Network | str]
) -> bool:
    """Whether the address lies in one of the networks (text such as `10.0.0.0/8` or one address)."""
    parsed = _parse(address) if isinstance(address, str) else address
    return parsed is not None and any(
        parsed in ipaddress.ip_network(network, strict=False) for network in networks
    )


def _parse(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        # A zone index means something on one machine only.
        return address.ipv4_mapped or ipaddress.IPv6Address(int(address))
    return address
