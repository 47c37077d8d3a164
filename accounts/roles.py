"""The four groups of people, and what staff may see in the admin."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.apps import apps as global_apps
from django.contrib.auth.management import create_permissions
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    TRADER = "trader", _("Trader")
    COMPLIANCE = "compliance", _("Compliance")
    AUDITOR = "auditor", _("Auditor")
    ADMIN = "admin", _("Administrator")


STAFF = {Role.COMPLIANCE, Role.AUDITOR, Role.ADMIN}
# By app: what the members of a group may do in the admin.
PERMISSIONS: dict[str, dict[Role, list[str]]] = {
    "accounts": {
        Role.COMPLIANCE: ["view_user", "review_kyccase"],
        Role.ADMIN: [
            *("view_user", "change_user", "view_accesstoken"),
            *("view_rolerequest", "add_rolerequest", "view_factorreset", "add_factorreset"),
        ],
    },
    "wallets": {Role.ADMIN: ["view_exchangeaccount"]},
    "strategies": {Role.ADMIN: ["view_strategy", "view_signal"]},
    "subscriptions": {Role.ADMIN: ["view_subscription"]},
    "execution": {Role.ADMIN: ["view_copyorder"]},
    "risk": {Role.ADMIN: ["view_platformswitch", "add_platformswitch", "change_platformswitch"]},
    "compliance": {Role.AUDITOR: ["view_auditrecord"], Role.ADMIN: ["view_auditrecord"]},
}


def grant_permissions(app_config: AppConfig, using: str, apps: Any = global_apps, **kwargs: Any) -> None:
    """After each migration: the groups exist and may do what the table says.

    Not a migration of its own, because Django makes an app's permissions only after all of them.
    """
    if app_config.label not in PERMISSIONS:
        return
    try:
        group_model = apps.get_model("auth", "Group")
        permission_model = apps.get_model("auth", "Permission")
    except LookupError:
        return
    create_permissions(app_config, verbosity=0, using=using, apps=apps)
    for role, names in PERMISSIONS[app_config.label].items():
        group, _created = group_model.objects.using(using).get_or_create(name=role.value)
        found = permission_model.objects.using(using).filter(
            content_type__app_label=app_config.label, codename__in=names
        )
        group.permissions.add(*found)
