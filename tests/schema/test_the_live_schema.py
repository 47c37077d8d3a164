"""The API answers as its own description says, whatever is sent."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import token_of
from tests.factories import StrategyFactory, SubscriptionFactory
from tests.subscriptions.venue import open_account, paper, paper_process

__all__ = ["open_account", "paper", "paper_process"]

HERE = Path(__file__).parent
# What the description cannot say: which ids exist, a session as another way in, exchanges that are away.
LEFT_OUT = "positive_data_acceptance,ensure_resource_availability,ignored_auth,not_a_server_error"


# Two parts, so that two processes of the test run can share the work.
SAMPLES = ["--phases", "examples,fuzzing", "--max-examples", "5"]
EDGES_OF_CHANGES = ["--phases", "coverage"]
for method in ("POST", "PUT", "PATCH", "DELETE"):
    EDGES_OF_CHANGES += ["--include-method", method]


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", [SAMPLES, EDGES_OF_CHANGES], ids=["samples", "edges"])
def test_no_request_made_from_the_description_gets_an_answer_that_it_does_not_tell(
    live_server, user, open_account, part
):
    account = open_account(user)
    StrategyFactory.create(owner=user, exchange_account=open_account(user))
    SubscriptionFactory.create(follower=user, exchange_account=account)
    run = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{live_server.url}/api/schema/"),
            *part,
            *("--header", f"Authorization: Bearer {token_of(user)}"),
            *("--seed", "7"),
            *("--exclude-checks", LEFT_OUT, "--warnings", "off", "--no-color", "--no-shrink"),
            *("--suppress-health-check", "all", "--request-timeout", "30"),
        ],
        cwd=HERE,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "nonces", "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-20000:] + run.stderr[-2000:]
