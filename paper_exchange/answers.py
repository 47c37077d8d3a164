"""Refusals in the venue's own words: code, message and HTTP status."""


class Refusal(Exception):
    """An error answer of the venue: {"code", "msg"} with an HTTP status."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def missing(parameter: str) -> Refusal:
    return Refusal(-1102, f"Mandatory parameter '{parameter}' was not sent, was empty/null, or malformed.")


def illegal(parameter: str, pattern: str) -> Refusal:
    return Refusal(-1100, f"Illegal characters found in parameter '{parameter}'; legal range is '{pattern}'.")


def too_precise(parameter: str) -> Refusal:
    return Refusal(-1111, f"Parameter '{parameter}' has too much precision.")


def not_required(parameter: str) -> Refusal:
    return Refusal(-1106, f"Parameter '{parameter}' sent when not required.")


def bad_combination() -> Refusal:
    return Refusal(-1128, "Combination of optional parameters invalid.")


def invalid_symbol() -> Refusal:
    return Refusal(-1121, "Invalid symbol.")


def filter_failure(name: str) -> Refusal:
    return Refusal(-1013, f"Filter failure: {name}")


def market_closed() -> Refusal:
    return Refusal(-1013, "Market is closed.")


def rejected(message: str) -> Refusal:
    return Refusal(-2010, message)


def unknown_order() -> Refusal:
    return Refusal(-2011, "Unknown order sent.")


def no_such_order() -> Refusal:
    return Refusal(-2013, "Order does not exist.")


def bad_key_format() -> Refusal:
    return Refusal(-2014, "API-key format invalid.", 401)


def bad_key() -> Refusal:
    return Refusal(-2015, "Invalid API-key, IP, or permissions for action.", 401)


def bad_signature() -> Refusal:
    return Refusal(-1022, "Signature for this request is not valid.")
