"""When and from where each session was last seen, to the minute: to write it at each request costs much."""

from __future__ import annotations

import time
from collections.abc import Callable

from allauth.usersessions.models import UserSession
from django.http import HttpRequest, HttpResponse

from rest.addresses import client_ip

WRITTEN_EACH_SECONDS = 60.0
# Of sessions that this process remembers to have written.
MOST = 10_000


class SessionActivityMiddleware:
    """Instead of allauth's, which writes at each request. Another address or browser is written at once."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.written: dict[tuple[str, str | None, str], float] = {}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.session.session_key
        if key and request.user.is_authenticated and self._is_due(key, request):
            UserSession.objects.create_from_request(request)
        return self.get_response(request)

    def _is_due(self, key: str, request: HttpRequest) -> bool:
        place = (key, client_ip(request), request.headers.get("User-Agent", ""))
        now = time.monotonic()
        if now - self.written.get(place, -WRITTEN_EACH_SECONDS) < WRITTEN_EACH_SECONDS:
            return False
        if len(self.written) >= MOST:
            self.written.clear()
        self.written[place] = now
        return True
