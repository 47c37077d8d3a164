"""Tests that share what there is one of (a platform, a browser) run in one process of the test run."""

import os

import pytest


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="one process runs all tests")
@pytest.mark.xdist_group("together")
def test_who_shares_the_tests_out_knows_their_groups(request):
    assert request.node.nodeid.endswith("@together")
