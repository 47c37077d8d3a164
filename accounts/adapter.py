"""Where allauth asks us: addresses, limits, the first role, the record of failures."""

from __future__ import annotations

from smtplib import SMTPException
from typing import Any, ClassVar

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.ratelimit import respond_429
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.http import HttpRequest
from django.utils import timezone

from accounts import log_in_mails, telling
from accounts.consents import Document, give_consent
from accounts.models import User
from accounts.roles import Role
from accounts.services import give_role
from compliance import audit
from compliance.audit import Origin
from compliance.models import Action, Outcome
from rest.addresses import client_ip

log = structlog.get_logger(__name__)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    failure: ClassVar[Action] = Action.LOGIN_FAILURE

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_ip(request) or "local"

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        # Per account *and* address: a stranger's failures must not lock the owner out elsewhere.
        key = super()._get_login_attempts_cache_key(request, **credentials)
        return f"{key}:{self.get_client_ip(request)}"

    def validation_error(self, code: str, *args: Any) -> ValidationError:
        """Too many tries are no mistake in the form: 429, with when to come back."""
        if code == "too_many_login_attempts":
            raise ImmediateHttpResponse(respond_429(self.request))
        error: ValidationError = super().validation_error(code, *args)
        return error

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Recorded by the person's id; what a stranger typed is not kept, it may be a password."""
        address = str(credentials.get("email", "")).strip().lower()
        known = User.objects.filter(email=address).first()
        audit.record(
            self.failure,
            origin=Origin.of_stranger(request),
            object=str(known.public_id) if known else "",
            outcome=Outcome.REFUSED,
        )

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Told as everything else is: kept, and mailed until it has left. A mail server that is away must not
        keep what follows the act (tokens, sessions) from following."""
        origin = Origin.of_person(self.request, str(user.public_id))
        if not telling.log_in_changed(template_prefix, user, origin=origin, now=timezone.now()):
            self._send_now(template_prefix, email or user.email, {"user": user, **(context or {})})

    def _send_now(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        try:
            self.send_mail(template_prefix, email, context)
        except (OSError, SMTPException) as error:
            log.warning("mail_not_sent", about=template_prefix, error=type(error).__name__)

    def render_mail(
        self,
        template_prefix: str,
        email: str,
        context: dict[str, Any],
        headers: dict[str, str] | None = None,
    ) -> EmailMultiAlternatives:
        """In our words and our look."""
        person = context.get("user") or User.objects.filter(email=email.lower()).first()
        origin = Origin.of_stranger(context["request"])
        letter = log_in_mails.letter(
            template_prefix, to=email, person=person, origin=origin, context=context, now=timezone.now()
        )
        return letter.mail(headers=headers)

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        saved: User = super().save_user(request, user, form, commit)
        if commit:
            origin = Origin.of_person(request, str(saved.public_id))
            give_role(user=saved, role=Role.TRADER, origin=origin)
            # The page says above its button that signing up accepts both.
            give_consent(user=saved, documents=Document, origin=origin, now=timezone.now())
        return saved


class TokenAdapter(AccountAdapter):
    """The same checks and limits, for a program that wants a token."""

    failure = Action.TOKEN_FAILURE

    def validation_error(self, code: str, *args: Any) -> ValidationError:
        """The API answers in its own words."""
        error: ValidationError = DefaultAccountAdapter.validation_error(self, code, *args)
        return error
