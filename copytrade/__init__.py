"""The project: wiring only."""

from copytrade.celery import app as celery_app

__all__ = ["celery_app"]
