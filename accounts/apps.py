from typing import Any

from allauth.account.signals import user_logged_in
from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from allauth.mfa.signals import authentication_failed

        from accounts.roles import grant_permissions

        post_migrate.connect(grant_permissions, dispatch_uid="accounts.grant_permissions")
        user_logged_in.connect(_record_log_in, dispatch_uid="accounts.record_log_in")
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
