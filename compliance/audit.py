"""Writing the record. A row belongs to the transaction of its act; a refusal has one of its own."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request

from compliance.models import Action, AuditRecord, Outcome
from rest.addresses import client_ip

USER_AGENT_KEPT = 300


@dataclass(frozen=True, slots=True)
class Origin:
    """Who acts, and from where: `actor` is a person's public id, empty for a stranger."""

    actor: str = ""
    ip: str | None = None
    user_agent: str = ""
    request_id: str = ""
    token_id: uuid.UUID | None = None

    @classmethod
    def of(cls, request: HttpRequest | Request) -> Origin:
        """As the request tells it, after authentication."""
        user = getattr(request, "user", None)
        token = getattr(request, "auth", None)
        return cls(
            actor=str(user.public_id) if user is not None and user.is_authenticated else "",
            token_id=getattr(token, "public_id", None),
            **_network_facts(request),
        )

    @classmethod
    def of_person(cls, request: HttpRequest | Request, actor: str) -> Origin:
        """A person who proved in this very request who they are."""
        return cls(actor=actor, **_network_facts(request))

    @classmethod
    def of_token(cls, request: HttpRequest | Request, token: Any) -> Origin:
        """A program whose token was found in this very request."""
        return cls(actor=str(token.user.public_id), token_id=token.public_id, **_network_facts(request))

    @classmethod
    def of_stranger(cls, request: HttpRequest | Request) -> Origin:
        """As the request tells it, while nobody is known yet."""
        return cls(**_network_facts(request))


# What the platform or an operator at the console does.
SYSTEM = Origin(actor="system")


def record(
    action: Action,
    *,
    origin: Origin,
    object: str = "",
    outcome: Outcome = Outcome.SUCCESS,
    nonce: str = "",
    detail: Mapping[str, Any] | None = None,
) -> AuditRecord:
    """Add one record. `detail` holds plain JSON values and no secrets."""
    return AuditRecord.objects.create(
        action=action,
        actor=origin.actor,
        object=object,
        outcome=outcome,
        ip=origin.ip,
        user_agent=origin.user_agent,
        request_id=origin.request_id,
        token_id=origin.token_id,
        nonce=nonce,
        detail=dict(detail or {}),
    )


def _network_facts(request: HttpRequest | Request) -> dict[str, Any]:
    agent = request.META.get("HTTP_USER_AGENT", "")
    printable = "".join(c for c in agent if unicodedata.category(c)[0] != "C")
    plain_request = getattr(request, "_request", request)
    return {
        "ip": client_ip(plain_request),
        "user_agent": printable[:USER_AGENT_KEPT],
        "request_id": getattr(plain_request, "request_id", ""),
    }
