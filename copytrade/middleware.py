"""What every request passes: secrets out of the address, an id for the logs, a strict policy, a time zone."""

from __future__ import annotations

import re
import uuid
import zoneinfo
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from rest.addresses import comes_from_proxy
from strategies.webhooks import FORM as HOOK_SECRET

GetResponse = Callable[[HttpRequest], HttpResponse]

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# The admin theme's Alpine evaluates expressions and sets styles; only staff reach these pages.
ADMIN_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
FORWARDED_SCHEME = "HTTP_X_FORWARDED_PROTO"
HOOKS, HIDDEN = "/hooks/", "hidden"
REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


class HookSecretMiddleware:
    """Take the secret out of a webhook's address before anything can log it: `request.hook_secret`.

    The server's own environment is changed with it, from which gunicorn writes its access log.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if path.startswith(HOOKS) and path != HOOKS:
            request.hook_secret = path.removeprefix(HOOKS)  # type: ignore[attr-defined]
            _rename(request, HOOKS + HIDDEN)
        elif HOOK_SECRET.search(path):  # A mistyped address, such as //hooks/...
            _rename(request, HOOK_SECRET.sub(HIDDEN, path))
        return self.get_response(request)


def _rename(request: HttpRequest, path: str) -> None:
    script_name = request.path[: len(request.path) - len(request.path_info)]
    request.path_info, request.path = path, script_name + path
    for name in ("PATH_INFO", "RAW_URI", "REQUEST_URI"):
        if name in request.META:
            request.META[name] = path


class ForwardedSchemeMiddleware:
    """Whether a request came by TLS is what our proxies say; what anybody else says of it is dropped."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not comes_from_proxy(request):
            request.META.pop(FORWARDED_SCHEME, None)
        return self.get_response(request)


class RequestIdMiddleware:
    """Take the proxy's `X-Request-ID` or make one; put it on every log line and on the answer."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
        response["X-Request-ID"] = request_id
        return response


class ContentSecurityPolicyMiddleware:
    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        policy = ADMIN_POLICY if request.path.startswith("/admin/") else CONTENT_SECURITY_POLICY
        response.setdefault("Content-Security-Policy", policy)
        return response


class TimeZoneMiddleware:
    """Show times in the signed-in person's zone."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return self.get_response(request)
        with timezone.override(zoneinfo.ZoneInfo(request.user.time_zone)):
            return self.get_response(request)
