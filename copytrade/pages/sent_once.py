"""A form that acts is acted on once, however often its button is pressed."""

from __future__ import annotations

from uuid import UUID

from django.core.cache import cache

# Long enough for any second press or reload; a form opened anew has an id of its own.
REMEMBERED_SECONDS = 24 * 3600


def claim(*, user_id: int, form_id: UUID) -> bool:
    """True for the first who asks, also among requests at the same moment."""
    return cache.add(_key(user_id, form_id), True, timeout=REMEMBERED_SECONDS)


def release(*, user_id: int, form_id: UUID) -> None:
    """Nothing came of it: the form may be sent again, corrected."""
    cache.delete(_key(user_id, form_id))


def _key(user_id: int, form_id: UUID) -> str:
    return f"form-sent:{user_id}:{form_id}"
