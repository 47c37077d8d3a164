"""A minute of the fault campaign that `make chaos` runs at length."""

import os
from pathlib import Path

import pytest

from tests.crashes import campaign, master


@pytest.mark.flow
@pytest.mark.timeout(420)
@pytest.mark.xdist_group("crashes")
def test_nothing_is_lost_or_doubled_while_everything_breaks(tmp_path: Path) -> None:
    tape = master.tape_file()
    if tape is None:
        pytest.skip("COPYTRADE_DATA has no tape of trades")
    seed = int(os.environ.get("SEED") or "20240229")
    result = campaign.run(tmp_path, tape=tape, seed=seed, extent=campaign.short())
    assert result.differences == []
    assert result.placed >= campaign.short().orders
    assert result.retried
