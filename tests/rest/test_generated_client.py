"""A Python client made from the live description by a generator that others use too."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.conftest import token_of
from tests.subscriptions.venue import open_account, paper, paper_process, published

__all__ = ["open_account", "paper", "paper_process", "published"]

# What an integrator would write with it; the client's package is beside it.
PROGRAM = """
import sys
from uuid import UUID
from copytrade_api_client import AuthenticatedClient
from copytrade_api_client.api.strategies import strategies_list, strategies_retrieve
url, token, strategy = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=token, raise_on_unexpected_status=True)
page = strategies_list.sync(client=client)
one = strategies_retrieve.sync(client=client, strategy_id=UUID(strategy))
print(page.count, one.name, one.min_capital)
"""


@pytest.mark.django_db(transaction=True)
def test_a_generated_python_client_reads_strategies(live_server, api, user, published, tmp_path):
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps(api.get("/api/schema/").json()))
    generate = [sys.executable, "-m", "openapi_python_client", "generate", "--path", schema, "--meta", "none"]
    package = tmp_path / "copytrade_api_client"
    subprocess.run([*generate, "--output-path", package], check=True, capture_output=True, timeout=120)
    arguments = [live_server.url, token_of(user), str(published.public_id)]
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ran.stdout.split() == ["1", "Calm", "swing", "100"]
