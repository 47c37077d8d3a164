"""Start-up wiring."""

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig

from copytrade import error_reports, task_logs
from exchanges import gateway, limits


class CopytradeConfig(AppConfig):
    name = "copytrade"

    def ready(self) -> None:
        # Registers its check.
        from copytrade import alive, database_roles  # noqa: F401

        task_logs.connect()
        error_reports.configure(
            dsn=settings.SENTRY_DSN,
            environment=settings.SENTRY_ENVIRONMENT,
            redaction=settings.REDACTION,
        )
        limits.configure(settings.REDIS_URL)
        gateway.configure(
            url_overrides=settings.EXCHANGE_URL_OVERRIDES,
            paper_exchange_url=settings.PAPER_EXCHANGE_URL,
        )


class AdminConfig(DjangoAdminConfig):
    """The admin, with log-in through the ordinary log-in page and a record of every change."""

    default_site = "compliance.admin_changes.RecordedSite"
