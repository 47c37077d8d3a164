"""E-mail, password and code of a program that wants a token, with the limits of the log-in page."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from rest_framework.exceptions import Throttled
from rest_framework.request import Request

from accounts import one_time_codes
from accounts.adapter import TokenAdapter
from accounts.models import User
from compliance import audit
from compliance.audit import Origin
from compliance.models import Action, Outcome
from rest import codes
from rest.errors import Forbidden, Unauthorized
from rest.throttles import forgive, seconds_to_wait

INVALID_CREDENTIALS = codes.declare("invalid_credentials", "These credentials are not right.")
OTP_REQUIRED = codes.declare("otp_required", "This account has a second factor: send its code as `otp`.")
EMAIL_NOT_VERIFIED = codes.declare("email_not_verified", "Follow the link in the confirmation mail first.")
FAILURES, WINDOW_SECONDS = 10, 300
CODES = [Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES]


def log_in(request: Request, *, email: str, password: str, otp: str | None) -> User:
    """The person, if everything is right; 401, 403 or 429 otherwise, the same for unknown addresses."""
    plain_request = request._request
    try:
        user = TokenAdapter(plain_request).authenticate(plain_request, email=email, password=password)
    except ValidationError as error:  # Too many failures lately.
        raise Throttled(wait=WINDOW_SECONDS) from error
    if user is None:
        raise Unauthorized(INVALID_CREDENTIALS)
    if not user.is_active:
        raise _refused(request, user, Unauthorized(INVALID_CREDENTIALS))
    if not EmailAddress.objects.filter(user=user, verified=True).exists():
        raise _refused(request, user, Forbidden(EMAIL_NOT_VERIFIED))
    _check_second_factor(request, user, otp)
    known: User = user
    return known


def _check_second_factor(request: Request, user: User, otp: str | None) -> None:
    authenticators = list(Authenticator.objects.filter(user=user))
    if not authenticators:
        return
    if not otp:
        raise _refused(request, user, Unauthorized(OTP_REQUIRED))
    name = f"otp:{user.pk}:{TokenAdapter(request._request).get_client_ip(request._request)}"
    wait = seconds_to_wait(name, limit=FAILURES, window=WINDOW_SECONDS)
    if wait is not None:
        raise Throttled(wait=wait)
    if not any(one_time_codes.is_right(one, otp) for one in authenticators if one.type in CODES):
        raise _refused(request, user, Unauthorized(INVALID_CREDENTIALS))
    forgive(name, window=WINDOW_SECONDS)


def _refused(request: Request, user: User, error: Unauthorized | Forbidden) -> Unauthorized | Forbidden:
    audit.record(
        Action.TOKEN_FAILURE,
        origin=Origin.of_stranger(request),
        object=str(user.public_id),
        outcome=Outcome.REFUSED,
        detail={"code": str(error.get_codes())},
    )
    return error
