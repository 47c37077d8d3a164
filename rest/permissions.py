"""Who may ask, in the order of checks: signed in, scope, (nonce,) role."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from rest import codes
from rest.errors import Forbidden


class SignedIn(BasePermission):
    """Everybody needs credentials, unless the view lets strangers read (`public_reads`)."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if view.public_reads and request.method in SAFE_METHODS:
            return True
        return bool(request.user and request.user.is_authenticated)


class HasScope(BasePermission):
    """A token reads with `read` and writes with the view's `write_scope` (None: any scope)."""

    def has_permission(self, request: Request, view: Any) -> bool:
        token: Any = request.auth
        if token is None:
            return True
        needed = "read" if request.method in SAFE_METHODS else view.write_scope
        if needed is not None and needed not in token.scopes:
            raise Forbidden(
                codes.INSUFFICIENT_SCOPE, f"This request needs a token with the scope `{needed}`."
            )
        return True


class HasRole(BasePermission):
    """The view's `role`, where it has one."""

    def has_permission(self, request: Request, view: Any) -> bool:
        user: Any = request.user
        if view.role is not None and view.role not in user.roles:
            raise Forbidden(codes.INSUFFICIENT_ROLE, f"This request needs the role `{view.role}`.")
        return True
