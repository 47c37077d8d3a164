"""How the API's libraries are set up. Nothing of it depends on where the platform runs."""

from __future__ import annotations

from pathlib import Path

DESCRIPTION = Path(__file__).resolve().parent.parent / "rest" / "description.md"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.BearerAuthentication",
        "accounts.authentication.BrowserSession",
    ],
    "DEFAULT_THROTTLE_CLASSES": ["rest.throttles.PerCaller"],
    # The order is the contract's: scope, nonce, role.
    "DEFAULT_PERMISSION_CLASSES": [
        "rest.permissions.SignedIn",
        "accounts.scopes.RecordedScope",
        "accounts.nonces.FreshNonce",
        "rest.permissions.HasRole",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest.parsers.StrictJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "rest.negotiation.FirstRenderer",
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_PAGINATION_CLASS": "rest.pagination.CursorPages",
    "DEFAULT_SCHEMA_CLASS": "rest.schema.Schema",
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
}
DRF_STANDARDIZED_ERRORS = {
    "EXCEPTION_HANDLER_CLASS": "rest.error_form.Handler",
    "EXCEPTION_FORMATTER_CLASS": "rest.error_form.Formatter",
    "ENABLE_IN_DEBUG_FOR_UNHANDLED_EXCEPTIONS": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Copytrade API",
    "DESCRIPTION": DESCRIPTION.read_text(encoding="utf-8"),
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "ExchangeAccountStatus": "wallets.models.ExchangeAccount.Status",
        "WalletAddressStatus": "wallets.models.WalletAddress.Status",
        "WalletNetwork": "wallets.address_serializers.NETWORK_CHOICES",
        "StrategyStatus": "strategies.models.Strategy.Status",
        "SignalStatus": "strategies.models.Signal.Status",
        "SubscriptionStatus": "subscriptions.models.Subscription.Status",
        "PauseOrResume": "subscriptions.serializers.PAUSE_OR_RESUME",
        "OrderStatus": "execution.models.STATUS_CHOICES",
        "SignalType": ["market", "limit"],
        "KycStatus": "accounts.kyc.models.KycStatus",
        "KycDocumentKind": "accounts.kyc.models.KycDocument.Kind",
        "OrderKind": "execution.models.CopyOrder.Kind",
        "NotificationChannelKind": "accounts.notifications.models.NotificationChannel.Kind",
        "NotificationChannelStatus": "accounts.notifications.models.NotificationChannel.Status",
        "NotificationKindByChoice": "accounts.notifications.serializers.KINDS_BY_CHOICE",
        "NotificationKind": "accounts.notifications.kinds.NotificationKind",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "rest.examples.add_examples",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}
