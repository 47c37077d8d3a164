"""What operators and integrators ask before anything else."""

import pytest
from django.test import Client

from copytrade import health, standing

JSON = "application/json"


@pytest.fixture(autouse=True)
def forget_earlier_answers():
    health._check_migrations.cache_clear()
    standing.broker.cache_clear()
    yield
    standing.broker.cache_clear()


def test_the_process_is_up_without_database_or_broker(settings):
    assert Client().get("/healthz").json() == {"status": "ok"}


def test_ready_means_database_broker_and_migrations(db):
    response = Client().get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "database": "ok", "broker": "ok", "migrations": "ok"}


def test_a_broker_that_is_away_is_named(db, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert (response.json()["broker"], response.json()["database"]) == ("failing", "ok")


def test_a_migration_that_has_not_run_is_named(db):
    from django.db.migrations.recorder import MigrationRecorder

    MigrationRecorder.Migration.objects.filter(app="wallets").delete()
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert response.json()["migrations"] == "failing"


def test_the_description_is_openapi_3_1_and_says_what_every_operation_may_answer(db):
    schema = Client().get("/api/schema/").json()
    assert schema["openapi"].startswith("3.1")
    for address, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, address)
            assert {"400", "401", "403", "404", "429"} <= operation["responses"].keys(), (method, address)
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            for media in (m for body in bodies for k, m in body.get("content", {}).items() if k == JSON):
                assert media["examples"], (method, address)
            if method != "get" and not address.startswith("/hooks/"):  # Senders there have no token.
                names = {parameter["name"] for parameter in operation["parameters"]}
                assert "X-Nonce" in names, (method, address)


def test_the_api_pages_work_offline_under_the_strict_policy(db):
    page = Client().get("/api/docs/")
    assert page.status_code == 200
    text = page.content.decode()
    assert "//cdn" not in text
    assert "https://" not in text
    assert "<style" not in text
    assert "<script>" not in text
    script = Client().get("/api/docs/?script=")
    assert script["Content-Type"].startswith("application/javascript")
    assert "script-src 'self';" in page["Content-Security-Policy"]
