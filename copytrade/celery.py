"""Celery: queues by urgency, threads that feed one event loop, nothing that relies on the broker."""

from __future__ import annotations

import os

from celery import Celery
from celery.schedules import crontab
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "copytrade.settings")

QUEUES = ("exits", "signals", "orders", "recovery", "default")

app = Celery("copytrade")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    # Threads share the process's event loop and its warm connections; prefork would have one each.
    worker_pool="threads",
    worker_concurrency=4,
    worker_prefetch_multiplier=1,
    task_acks_late=True,
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    task_default_queue="default",
    task_queues=[Queue(name) for name in QUEUES],
    task_create_missing_queues=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        # A dead worker's messages come back after 60 s at the latest; the sweeps are faster anyway.
        "visibility_timeout": 60,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        "queue_order_strategy": "priority",
        # With the broker away, sending gives up at once: the sweeps do without it.
        "max_retries": 0,
        "interval_start": 0,
        "socket_connect_timeout": 1,
        # Above the second for which a worker waits for messages.
        "socket_timeout": 3,
    },
    beat_schedule={
        "look-up-orders": {
            "task": "execution.tasks.look_up_orders",
            "schedule": 60.0,
            "options": {"queue": "recovery", "expires": 60},
        },
        "read-marks": {
            "task": "execution.tasks.read_marks",
            "schedule": 5.0,
            "options": {"queue": "default", "expires": 5},
        },
        "keep-wishes": {
            "task": "execution.tasks.keep_wishes",
            "schedule": crontab(minute="*/5"),
            "options": {"queue": "default", "expires": 300},
        },
        "write-exports": {
            "task": "execution.tasks.write_exports",
            "schedule": 15.0,
            "options": {"queue": "default", "expires": 15},
        },
        "tidy-exports": {
            "task": "execution.tasks.tidy_exports",
            "schedule": crontab(minute=41),
            "options": {"queue": "default", "expires": 3600},
        },
        "refresh-statistics": {
            "task": "ledger.tasks.refresh_statistics",
            "schedule": 60.0,
            "options": {"queue": "default", "expires": 60},
        },
        "settle-fees": {
            "task": "ledger.tasks.settle_fees",
            "schedule": crontab(minute="*/10"),
            "options": {"queue": "default", "expires": 600},
        },
        "check-audit-chain": {
            "task": "copytrade.tasks.check_itself",
            "args": ["audit_chain"],
            "schedule": crontab(hour=2, minute=20),
            "options": {"queue": "default", "expires": 3600},
        },
        "check-exchanges": {
            "task": "copytrade.tasks.check_itself",
            "args": ["exchanges"],
            "schedule": crontab(hour=2, minute=50),
            "options": {"queue": "default", "expires": 3600},
        },
        "check-books": {
            "task": "copytrade.tasks.check_itself",
            "args": ["books"],
            "schedule": crontab(hour=1, minute=50),
            "options": {"queue": "default", "expires": 3600},
        },
        "purge-audit": {
            "task": "accounts.tasks.purge_audit",
            "schedule": crontab(hour=3, minute=17),
            "options": {"queue": "default", "expires": 3600},
        },
        "tell-of-expiring-tokens": {
            "task": "accounts.tasks.tell_of_expiring_tokens",
            "schedule": crontab(hour=7, minute=23),
            "options": {"queue": "default", "expires": 3600},
        },
        "mail-audit-head": {
            "task": "accounts.tasks.mail_audit_head",
            "schedule": crontab(hour=6, minute=0),
            "options": {"queue": "default", "expires": 3600},
        },
        "pause-unapproved": {
            "task": "subscriptions.tasks.pause_unapproved",
            "schedule": 5.0,
            "options": {"queue": "default", "expires": 5},
        },
        "check-exchange-accounts": {
            "task": "wallets.tasks.check_exchange_accounts",
            "schedule": 60.0,
            "options": {"queue": "default", "expires": 60},
        },
        "tell-applicants": {
            "task": "accounts.tasks.tell_applicants",
            "schedule": 15.0,
            "options": {"queue": "default", "expires": 15},
        },
        "mail-notifications": {
            "task": "accounts.tasks.mail_notifications",
            "schedule": 5.0,
            "options": {"queue": "default", "expires": 5},
        },
        "deliver-notifications": {
            "task": "accounts.tasks.deliver_notifications",
            "schedule": 5.0,
            "options": {"queue": "default", "expires": 5},
        },
        "expire-identities": {
            "task": "accounts.tasks.expire_identities",
            "schedule": crontab(hour=0, minute=5),
            "options": {"queue": "default", "expires": 3600},
        },
        "screen-identities": {
            "task": "accounts.tasks.screen_identities",
            "schedule": crontab(hour=5, minute=30),
            "options": {"queue": "default", "expires": 3600},
        },
        "scan-documents": {
            "task": "accounts.tasks.scan_documents",
            "schedule": 300.0,
            "options": {"queue": "default", "expires": 300},
        },
        "take-sample": {
            "task": "copytrade.tasks.take_sample",
            "schedule": 60.0,
            "options": {"queue": "default", "expires": 30},
        },
        "erase-leaving": {
            "task": "copytrade.tasks.erase_leaving",
            "schedule": crontab(minute=11),
            "options": {"queue": "default", "expires": 3600},
        },
        "forget-old-documents": {
            "task": "accounts.tasks.forget_old_documents",
            "schedule": crontab(hour=4, minute=20),
            "options": {"queue": "default", "expires": 3600},
        },
        "remove-orphaned-files": {
            "task": "accounts.tasks.remove_orphaned_files",
            "schedule": crontab(hour=4, minute=40),
            "options": {"queue": "default", "expires": 3600},
        },
    },
    beat_scheduler="django_celery_beat.schedulers:DatabaseScheduler",
    worker_hijack_root_logger=False,
    timezone="UTC",
)
app.autodiscover_tasks()
