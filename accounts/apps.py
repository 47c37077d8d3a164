from typing import Any

from allauth.account.signals import user_logged_in
from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from allauth.account.signals import password_changed, password_reset
        from allauth.mfa.signals import authentication_failed, authenticator_removed
        from django.contrib.auth.signals import user_logged_out
        from django.db.models.signals import post_save

        from accounts.roles import grant_permissions

        post_migrate.connect(grant_permissions, dispatch_uid="accounts.grant_permissions")
        user_logged_in.connect(_record_log_in, dispatch_uid="accounts.record_log_in")
        password_changed.connect(_password_changed, dispatch_uid="accounts.password_changed")
        password_reset.connect(_password_reset, dispatch_uid="accounts.password_reset")
        user_logged_out.connect(_record_log_out, dispatch_uid="accounts.record_log_out")
        post_save.connect(
            _record_factor_added, sender="mfa.Authenticator", dispatch_uid="accounts.factor_added"
        )
        authenticator_removed.connect(_factor_removed, dispatch_uid="accounts.factor_removed")
        authentication_failed.connect(_record_wrong_code, dispatch_uid="accounts.record_wrong_code")


def _record_log_in(sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
    from accounts import devices
    from compliance import audit
    from compliance.audit import Origin
    from compliance.models import Action

    audit.record(Action.LOGIN_SUCCESS, origin=Origin.of(request), object=str(user.public_id))
    devices.note_log_in(user=user, origin=Origin.of(request))


def _record_wrong_code(sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
    """The password was right, the second factor was not."""
    from compliance import audit
    from compliance.audit import Origin
    from compliance.models import Action, Outcome

    audit.record(
        Action.LOGIN_FAILURE,
        origin=Origin.of_stranger(request),
        object=str(user.public_id),
        outcome=Outcome.REFUSED,
        detail={"reason": "second factor"},
    )


def _record_log_out(sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
    if user is not None:
        _record("session.end", request, user, reason="logged out")


def _password_changed(sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
    _new_password(request, user, "changed")


def _password_reset(sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
    _new_password(request, user, "reset")


def _new_password(request: Any, user: Any, how: str) -> None:
    from accounts.consequences import Event

    _record("password.change", request, user, how=how)
    _follow_up(Event.PASSWORD_CHANGE, request, user)


def _record_factor_added(sender: Any, instance: Any, created: bool, **kwargs: Any) -> None:
    """The library's own signal comes after the commit, when the act could already be without a record."""
    from allauth.core import context

    if created:
        _record("second_factor.add", context.request, instance.user, type=instance.type)


def _factor_removed(sender: Any, request: Any, user: Any, authenticator: Any, **kwargs: Any) -> None:
    from accounts.consequences import Event
    from accounts.second_factor import FACTORS

    _record("second_factor.remove", request, user, type=authenticator.type)
    if authenticator.type in FACTORS:
        _follow_up(Event.MFA_RESET, request, user)


def _record(action: str, request: Any, user: Any, **detail: str) -> None:
    """What people do to their own log-in."""
    from compliance import audit
    from compliance.audit import SYSTEM, Origin
    from compliance.models import Action

    person = str(user.public_id)
    origin = Origin.of_person(request, person) if request is not None else SYSTEM
    audit.record(Action(action), origin=origin, object=person, detail=detail)


def _follow_up(event: Any, request: Any, user: Any) -> None:
    from django.utils import timezone

    from accounts import consequences
    from compliance.audit import Origin

    origin = Origin.of_person(request, str(user.public_id))
    consequences.follow_up(
        event, user=user, origin=origin, now=timezone.now(), keep_session=request.session.session_key
    )
