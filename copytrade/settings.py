"""All settings, from the environment; `.env.example` describes each variable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from environs import Env, EnvValidationError, validate

from copytrade import api_settings, logs, shared_counts
from exchanges.durations import BUCKETS

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env()


def whole_number(name: str, *, default: int, minimum: int) -> int:
    """A whole number from the environment, or a refusal to start that names the variable."""
    try:
        return env.int(name, default, validate=validate.Range(min=minimum))
    except EnvValidationError as error:
        raise ImproperlyConfigured(f"{name} must be a whole number of at least {minimum}.") from error


DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "only-for-debugging-" * 3 if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY must be set (only DEBUG=true may leave it out).")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])

# --- Metrics ------------------------------------------------------------------------------------

# Before any metric exists.
METRICS_DIR = Path(env.str("METRICS_DIR", str(shared_counts.DEFAULT)))
shared_counts.share_if_server(METRICS_DIR)
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
METRICS_NETWORKS: list[str] = env.list("METRICS_NETWORKS", ["127.0.0.0/8", "::1/128"])
PROMETHEUS_LATENCY_BUCKETS = BUCKETS
PROMETHEUS_EXPORT_MIGRATIONS = False

# --- Applications, from the top layer down -----------------------------------------------------

INSTALLED_APPS = [
    "copytrade.apps.CopytradeConfig",
    "execution",
    "risk",
    "ledger",
    "subscriptions",
    "strategies",
    "wallets",
    "accounts",
    "compliance",
    "rest",
    "records",
    "unfold.apps.BasicAppConfig",  # The other one would put its own site in the place of ours.
    "copytrade.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_celery_beat",
    "django_filters",
    "django_htmx",
    "django_prometheus",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_standardized_errors",
    "rest_framework",
]

MIDDLEWARE = [
    # The first: what comes later may log the address.
    "copytrade.middleware.HookSecretMiddleware",
    # Before all that asks whether the request is secure.
    "copytrade.middleware.ForwardedSchemeMiddleware",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "copytrade.middleware.RequestIdMiddleware",
    "copytrade.middleware.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.session_activity.SessionActivityMiddleware",
    "accounts.second_factor.StaffSecondFactorMiddleware",
    "copytrade.middleware.TimeZoneMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "copytrade.urls"
WSGI_APPLICATION = "copytrade.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "copytrade.pages.shell.shell",
            ],
        },
    },
]

UNFOLD = {
    "SITE_TITLE": "Copytrade",
    "SITE_HEADER": "Copytrade",
    "SITE_SYMBOL": "currency_exchange",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("img/mark.svg")},
    ],
    "STYLES": [lambda request: static("css/admin.css")],
    # The pages' own blue, in shades; the theme's purple is too dark for links on its dark ground.
    "COLORS": {
        "primary": {
            "50": "#eef5ff",
            "100": "#d9e8ff",
            "200": "#bcd7ff",
            "300": "#93bfff",
            "400": "#6ea8fe",
            "500": "#5c9bfd",
            "600": "#0b5ed7",
            "700": "#094db1",
            "800": "#0a418f",
            "900": "#0d3872",
            "950": "#0a2348",
        },
    },
}

# --- Database, cache, broker -------------------------------------------------------------------

DATABASE_URL = env.str("DATABASE_URL", "postgresql:///copytrade")
# A process that is frozen inside a transaction must not hold up the others for as long as it sleeps.
DATABASE_LOCK_SECONDS = whole_number("DATABASE_LOCK_SECONDS", default=30, minimum=1)
_DATABASE: Any = env.dj_db_url("DATABASE_URL", DATABASE_URL)
DATABASES: dict[str, Any] = {
    # No ATOMIC_REQUESTS: each command opens its own short transaction.
    "default": _DATABASE
    | {
        # Celery closes connections after every task; the pool is what keeps them.
        "CONN_MAX_AGE": 0,
        "OPTIONS": _DATABASE.get("OPTIONS", {})
        | {
            "pool": {"min_size": 1, "max_size": whole_number("DATABASE_POOL", default=16, minimum=1)},
            # Only set-wise statements (records/bulk.py) are sent in a form that can be prepared: parsing and
            # planning them anew cost a third of what PostgreSQL did for an order.
            "prepare_threshold": 5,
            "options": f"-c idle_in_transaction_session_timeout={DATABASE_LOCK_SECONDS}s "
            f"-c lock_timeout={DATABASE_LOCK_SECONDS}s",
        },
    },
}
# Who migrates; empty: the running role itself.
DATABASE_OWNER_URL = env.str("DATABASE_OWNER_URL", "")
DATABASE_OWNER: Any = env.dj_db_url("DATABASE_OWNER_URL") if DATABASE_OWNER_URL else {}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.str("REDIS_URL", "redis://127.0.0.1:6379/0")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

CELERY_BROKER_URL = REDIS_URL

# Unique in any case of letters, by the constraint one_user_per_email.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]

# --- People ------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/dashboard/"
LOGOUT_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
MFA_ADAPTER = "accounts.second_factor.MfaAdapter"
USERSESSIONS_ADAPTER = "accounts.sessions.SessionsAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Copytrade"
# Clocks of phones are off by some seconds, and people type.
MFA_TOTP_TOLERANCE = 1
MFA_FORMS = {
    "activate_totp": "accounts.one_time_codes.ActivateCodeForm",
    "authenticate": "accounts.one_time_codes.LogInCodeForm",
    "reauthenticate": "accounts.one_time_codes.ConfirmCodeForm",
    "add_webauthn": "accounts.passkeys.AddPasskeyForm",
    "edit_webauthn": "accounts.passkeys.RenamePasskeyForm",
}
# One address at a time; the old one holds until the new one is confirmed.
ACCOUNT_CHANGE_EMAIL = True
# Of a changed password, a new factor, a changed address: the person is told by mail.
ACCOUNT_EMAIL_NOTIFICATIONS = True
USERSESSIONS_TRACK_ACTIVITY = True
THROTTLING = env.str("THROTTLING", "on") != "off"
# Failures count per account and per address, so that a stranger cannot lock anybody out elsewhere.
ACCOUNT_RATE_LIMITS: Any = {"login_failed": "10/5m/ip,10/5m/key"} if THROTTLING else False
KYC_REQUIRED = env.bool("KYC_REQUIRED", True)
CLAMAV_ADDRESS = env.str("CLAMAV_ADDRESS", "")
SANCTIONS_FILE = env.str("SANCTIONS_FILE", "")
SANCTIONS_CHECK_OF_A_FILE = "accounts.kyc.screening.names_in_file"
SANCTIONS_CHECK = env.str("SANCTIONS_CHECK", SANCTIONS_CHECK_OF_A_FILE)
FIELD_ENCRYPTION_KEYS: list[str] = env.list("FIELD_ENCRYPTION_KEYS", [])
AUDIT_SIGNING_KEYS: list[str] = env.list("AUDIT_SIGNING_KEYS", [])
AUDIT_RETENTION_DAYS = whole_number("AUDIT_RETENTION_DAYS", default=1826, minimum=1)

# --- Mail --------------------------------------------------------------------------------------

EMAIL_URL = env.str("EMAIL_URL", "")
if EMAIL_URL:
    vars().update(env.dj_email_url("EMAIL_URL"))
else:
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
EMAIL_TIMEOUT = 10
# Where people reach us: links in mails begin with it.
PUBLIC_URL = env.str("PUBLIC_URL", "http://localhost:8000").rstrip("/")
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "Copytrade <copytrade@localhost>")

# --- Exchanges ---------------------------------------------------------------------------------

EXCHANGE_URL_OVERRIDES: dict[str, Any] = dict(env.json("EXCHANGE_URL_OVERRIDES", {}))
PAPER_EXCHANGE_URL = env.str("PAPER_EXCHANGE_URL", "")

# For how long a new withdrawal address waits after its confirmation.
WITHDRAWAL_COOLING_OFF_HOURS = whole_number("WITHDRAWAL_COOLING_OFF_HOURS", default=24, minimum=0)

# How much worse than the master an entry may buy, unless the follower chose: BTC and ETH, and the rest.
MAX_SLIPPAGE_BPS_DEEP = whole_number("MAX_SLIPPAGE_BPS_DEEP", default=30, minimum=0)
MAX_SLIPPAGE_BPS = whole_number("MAX_SLIPPAGE_BPS", default=50, minimum=0)
# What all copies of a signal may buy at one venue, as a part of what is traded there in 24 hours.
MAX_BPS_OF_DAY_VOLUME = whole_number("MAX_BPS_OF_DAY_VOLUME", default=100, minimum=1)

# --- HTTP --------------------------------------------------------------------------------------

SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", False)
# Asked from within, past the proxy that has the certificate.
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
# Only of TRUSTED_PROXIES: a middleware drops it from others.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT
SESSION_COOKIE_HTTPONLY = True
SECURE_HSTS_SECONDS = 31_536_000 if SECURE_SSL_REDIRECT else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_SSL_REDIRECT
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
TRUSTED_PROXIES: list[str] = env.list("TRUSTED_PROXIES", [])

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]
# Identity documents and exports: no public address leads to them.
PRIVATE_FILES_DIR = Path(env.str("PRIVATE_FILES_DIR", str(BASE_DIR / ".run" / "private")))
AWS_STORAGE_BUCKET_NAME = env.str("AWS_STORAGE_BUCKET_NAME", "")
AWS_S3_ENDPOINT_URL = env.str("AWS_S3_ENDPOINT_URL", "")
AWS_S3_REGION_NAME = env.str("AWS_S3_REGION_NAME", "us-east-1")
AWS_S3_ENCRYPTION = env.str("AWS_S3_ENCRYPTION", "AES256")
AWS_ACCESS_KEY_ID = env.str("AWS_ACCESS_KEY_ID", "")
AWS_SECRET_ACCESS_KEY = env.str("AWS_SECRET_ACCESS_KEY", "")
if AWS_S3_ENDPOINT_URL and not AWS_STORAGE_BUCKET_NAME:
    raise ImproperlyConfigured("AWS_S3_ENDPOINT_URL needs AWS_STORAGE_BUCKET_NAME.")
PRIVATE_BUCKET: dict[str, Any] = {
    "BACKEND": "accounts.kyc.bucket.PrivateBucket",
    "OPTIONS": {
        "bucket_name": AWS_STORAGE_BUCKET_NAME,
        "endpoint_url": AWS_S3_ENDPOINT_URL or None,
        "region_name": AWS_S3_REGION_NAME,
        "access_key": AWS_ACCESS_KEY_ID or None,
        "secret_key": AWS_SECRET_ACCESS_KEY or None,
        "default_acl": None,
        "querystring_auth": True,
        "file_overwrite": False,
        "signature_version": "s3v4",
        "object_parameters": {"ServerSideEncryption": AWS_S3_ENCRYPTION} if AWS_S3_ENCRYPTION else {},
    },
}
PRIVATE_FOLDER: dict[str, Any] = {
    "BACKEND": "accounts.kyc.folder.PrivateFolder",
    "OPTIONS": {"location": PRIVATE_FILES_DIR},
}
PRIVATE_STORAGE = PRIVATE_BUCKET if AWS_STORAGE_BUCKET_NAME else PRIVATE_FOLDER
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "kyc": PRIVATE_STORAGE,
    "exports": PRIVATE_STORAGE,
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "copytrade.static_files.StaticFiles"
    },
}
# What nobody has collected is served from where it lies.
WHITENOISE_USE_FINDERS = DEBUG or not (STATIC_ROOT / "staticfiles.json").is_file()
# Of a file that is sent no more is kept than is taken, wherever it is sent.
FILE_UPLOAD_HANDLERS = ["rest.uploads.KeepAtMost"]
DATA_UPLOAD_MAX_NUMBER_FILES = 1

# --- Language and time -------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = "UTC"
USE_TZ = True
USE_THOUSAND_SEPARATOR = False
FORMAT_MODULE_PATH = ["copytrade.formats"]

# --- REST --------------------------------------------------------------------------------------

REST_FRAMEWORK = api_settings.REST_FRAMEWORK
DRF_STANDARDIZED_ERRORS = api_settings.DRF_STANDARDIZED_ERRORS
SPECTACULAR_SETTINGS = api_settings.SPECTACULAR_SETTINGS

# --- Logs --------------------------------------------------------------------------------------

REDACTION = logs.Redaction(
    [
        SECRET_KEY,
        METRICS_TOKEN,
        AWS_SECRET_ACCESS_KEY,
        *FIELD_ENCRYPTION_KEYS,
        *AUDIT_SIGNING_KEYS,
        *logs.passwords_of(DATABASE_URL, DATABASE_OWNER_URL, REDIS_URL, EMAIL_URL),
    ]
)
LOGGING = logs.configuration(redaction=REDACTION, level=env.str("LOG_LEVEL", "INFO"), for_people=DEBUG)
# Errors that nobody expected go to this Sentry server.
SENTRY_DSN = env.str("SENTRY_DSN", "")
SENTRY_ENVIRONMENT = env.str("SENTRY_ENVIRONMENT", "production")
