"""From where a person logs in; the first time from somewhere new they are told."""

from __future__ import annotations

import hashlib

from django.db import transaction
from django.utils import timezone

from accounts import telling
from accounts.models import KnownDevice, User
from compliance.audit import Origin


def note_log_in(*, user: User, origin: Origin) -> None:
    """Tell the person, unless the device is known or is their very first."""
    digest = hashlib.sha256(origin.user_agent.encode()).hexdigest()
    is_first = not KnownDevice.objects.filter(user=user).exists()
    with transaction.atomic():
        device, is_new = KnownDevice.objects.get_or_create(user=user, digest=digest)
        if is_new and not is_first:
            telling.new_device(device, origin=origin, now=timezone.now())
