"""Where allauth asks us: addresses, limits, the first role, the record of failures."""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from django.core.mail import EmailMultiAlternatives
from django.http import HttpRequest
from django.utils import timezone

from accounts.consents import Document, give_consent
from accounts.models import User
from accounts.notifications import letters
from accounts.roles import Role
from accounts.services import give_role
from compliance import audit
from compliance.audit import Origin
from compliance.models import Action, Outcome
from rest.addresses import client_ip


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    failure: ClassVar[Action] = Action.LOGIN_FAILURE

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_ip(request) or "local"

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        # Per account *and* address: a stranger's failures must not lock the owner out elsewhere.
        key = super()._get_login_attempts_cache_key(request, **credentials)
        return f"{key}:{self.get_client_ip(request)}"

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

    def render_mail(self, *args: Any, **options: Any) -> EmailMultiAlternatives:
        """allauth words its mails as text alone."""
        return letters.in_both_forms(super().render_mail(*args, **options))

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
