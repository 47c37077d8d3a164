"""Every code that an error may carry, with its meaning; `GET /api/v1/codes/` lists them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    name: str
    meaning: str


_declared: dict[str, Code] = {}


def declare(name: str, meaning: str) -> Code:
    """Make a code known. Two meanings of one name are a mistake of ours, found at import."""
    code = _declared.setdefault(name, Code(name, meaning))
    if code.meaning != meaning:
        raise ValueError(f"The code {name} has two meanings.")
    return code


def declared() -> list[Code]:
    return sorted(_declared.values(), key=lambda code: code.name)


REQUIRED = declare("required", "This field is required.")
UNKNOWN_FIELD = declare("unknown_field", "This field does not exist here.")
INVALID = declare("invalid", "This value does not have the form that the field needs.")
INVALID_CHARACTERS = declare(
    "invalid_characters", "Control, bidirectional and zero-width characters are not allowed."
)
DOES_NOT_EXIST = declare("does_not_exist", "There is no such object, or it is not yours.")
NOT_FOUND = declare("not_found", "There is nothing at this address, or it is not yours.")
PARSE_ERROR = declare("parse_error", "The body is not valid JSON in UTF-8.")
DUPLICATE_KEY = declare("duplicate_key", "A key occurs twice in one JSON object.")
BODY_TOO_LARGE = declare("body_too_large", "A JSON body may have at most 1 MB.")
INVALID_CURSOR = declare("invalid_cursor", "This cursor does not come from this list.")
INSUFFICIENT_SCOPE = declare("insufficient_scope", "The token lacks the scope that this request needs.")
INSUFFICIENT_ROLE = declare("insufficient_role", "Your account lacks the role that this request needs.")
AUTHENTICATION_FAILED = declare("authentication_failed", "The token is unknown, expired or revoked.")
CSRF_FAILED = declare("csrf_failed", "A browser session needs the X-CSRFToken header.")

# What Django REST framework itself may answer.
for _name, _meaning in {
    "null": "This field may not be null.",
    "blank": "This field may not be empty.",
    "empty": "This list may not be empty.",
    "not_a_list": "This field takes a list.",
    "not_a_dict": "This field takes an object.",
    "invalid_choice": "This value is not one of the choices.",
    "max_length": "This value is too long.",
    "min_length": "This value is too short.",
    "max_value": "This value is too large.",
    "min_value": "This value is too small.",
    "max_digits": "This number has too many digits.",
    "max_decimal_places": "This number has too many decimal places.",
    "max_string_length": "This text is too long for a number.",
    "not_authenticated": "This request needs a token or a session.",
    "permission_denied": "You may not do this.",
    "method_not_allowed": "This address does not take this method.",
    "not_acceptable": "The answer is JSON only.",
    "unsupported_media_type": "The body does not have the media type that this address takes.",
    "throttled": "Too many requests; Retry-After tells in how many seconds to come back.",
    "error": "The server failed; nobody but us can correct this.",
}.items():
    declare(_name, _meaning)
