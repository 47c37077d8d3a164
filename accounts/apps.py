from typing import Any

from allauth.account.signals import user_logged_in
from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts.roles import grant_permissions

        post_migrate.connect(grant_permissions, dispatch_uid="accounts.grant_permissions")
        user_logged_in.connect(_record_log_in, dispatch_uid="accounts.record_log_in")


def _record_log_in(sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
    from compliance import audit
    from compliance.audit import Origin
    from compliance.models import Action

    audit.record(Action.LOGIN_SUCCESS, origin=Origin.of(request), object=str(user.public_id))
