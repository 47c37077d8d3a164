"""Who is signed in."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest

from accounts.models import User


def signed_in(request: HttpRequest) -> User:
    """The person behind a view that asks for log-in."""
    return cast(User, request.user)
