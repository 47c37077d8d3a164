"""The table of states: what may follow what."""

import pytest

from execution.states import AT_THE_VENUE, FINAL, LIVE, MOVES, Status, may_move


def test_every_state_has_its_row() -> None:
    assert set(MOVES) == set(Status)


@pytest.mark.parametrize("end", sorted(FINAL - {Status.FILLED}))
def test_nothing_follows_a_final_state_but_a_fill_that_the_venue_tells_of_late(end: Status) -> None:
    assert MOVES[end] == {Status.CANCELED, Status.FILLED}
    assert MOVES[Status.FILLED] == frozenset()


@pytest.mark.parametrize("state", sorted(LIVE))
def test_every_live_state_can_come_to_an_end(state: Status) -> None:
    reached, frontier = set(), {state}
    while frontier:
        reached |= frontier
        frontier = {end for start in frontier for end in MOVES[start]} - reached
    assert reached & FINAL


def test_an_order_at_the_venue_never_becomes_skipped_or_denied() -> None:
    for state in AT_THE_VENUE:
        assert not may_move(start=state, end=Status.SKIPPED)
        assert not may_move(start=state, end=Status.DENIED)


def test_only_a_surely_unplaced_order_goes_back_to_pending() -> None:
    back = {state for state in Status if may_move(start=state, end=Status.PENDING)}
    assert back == {Status.SUBMITTING, Status.UNKNOWN}
