"""The rules of standing.py, with the time handed in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exchanges import standing as rules
from exchanges.standing import AHEAD_SECONDS, Budget, Pause, Standing, Wish

BUDGETS = st.builds(Budget, st.integers(10, 10_000), st.integers(1, 600))
# How long after the one before, how many, whether an exit, and whether two seconds ahead.
CALLS = st.lists(
    st.tuples(st.floats(0, 30), st.integers(1, 5_000), st.booleans(), st.booleans()), min_size=1, max_size=40
)


@given(BUDGETS, CALLS)
def test_no_window_holds_more_than_the_venue_takes(
    budget: Budget, calls: list[tuple[float, int, bool, bool]]
) -> None:
    standing, now, granted = Standing(), 1000.0, []
    for pause, wanted, is_exit, ahead in calls:
        now += pause
        floor = 0.0 if is_exit else budget.reserved
        wish = Wish(wanted, floor=floor, ahead=AHEAD_SECONDS if ahead else 0.0)
        standing, seen = rules.take(standing, budget, wish, now)
        assert 0 <= seen.granted <= wanted
        granted.append((now, seen.granted))
    for start, _ in granted:
        inside = sum(count for at, count in granted if start <= at < start + budget.seconds)
        assert inside <= budget.weight + 1e-6


@given(BUDGETS, st.lists(st.floats(0, 10), max_size=30))
def test_entries_never_use_up_what_is_kept_for_exits(budget: Budget, pauses: list[float]) -> None:
    standing, now = Standing(), 0.0
    for pause in pauses:
        now += pause
        standing, _ = rules.take(standing, budget, Wish(10**6, floor=budget.reserved), now)
    standing, seen = rules.take(standing, budget, Wish(10**6), now)
    assert seen.granted >= int(budget.reserved)


def test_who_waits_as_long_as_told_is_served() -> None:
    budget = Budget(100, 10)
    standing, _ = rules.take(Standing(), budget, Wish(50), 0.0)
    standing, seen = rules.take(standing, budget, Wish(20, least=20), 0.0)
    assert seen.granted == 0
    _, seen = rules.take(standing, budget, Wish(20, least=20), seen.wait + 1e-9)
    assert seen.granted == 20


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    budget = Budget(100, 10)
    standing, _ = rules.take(Standing(), budget, Wish(50), 100.0)
    _, seen = rules.take(standing, budget, Wish(50), 40.0)
    assert seen.granted == 0


def test_while_the_venue_asked_for_a_pause_nothing_is_granted() -> None:
    standing = rules.block(Standing(), 30, Pause.RATE_LIMITED, 100.0)
    _, seen = rules.take(standing, Budget(100, 10), Wish(1), 129.9)
    assert (seen.granted, seen.reason) == (0, Pause.RATE_LIMITED)
    _, seen = rules.take(standing, Budget(100, 10), Wish(1), 130.0)
    assert seen.granted == 1


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    standing = rules.block(Standing(), 120, Pause.RATE_LIMITED, 0.0)
    standing = rules.block(standing, 5, Pause.RATE_LIMITED, 1.0)
    assert rules.view(standing, 100.0).blocked_for == 20


def test_the_breaker_pauses_twice_as_long_each_time_up_to_a_minute() -> None:
    standing, now, pauses = Standing(), 0.0, []
    for _ in range(9):
        standing = rules.open_breaker(standing, 1.0, now)
        pauses.append(rules.view(standing, now).blocked_for)
        now = standing.blocked_until
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_second_process_does_not_prolong_the_same_outage() -> None:
    standing = rules.open_breaker(Standing(), 1.0, 0.0)
    assert rules.open_breaker(standing, 1.5, 0.5) == standing


def test_after_the_pause_one_alone_tries_and_its_answer_closes_the_breaker() -> None:
    standing = rules.open_breaker(Standing(), 1.0, 0.0)
    assert rules.close_breaker(standing, 0.9) == standing
    assert not rules.claim_probe(standing, 0.9)[1]
    standing, first = rules.claim_probe(standing, 1.0)
    standing, second = rules.claim_probe(standing, 1.1)
    assert (first, second) == (True, False)
    assert rules.take(standing, Budget(100, 10), Wish(1), 1.2)[1].granted == 0
    standing = rules.close_breaker(standing, 1.3)
    assert rules.take(standing, Budget(100, 10), Wish(1), 1.3)[1].granted == 1
    assert rules.view(rules.open_breaker(standing, 1.0, 2.0), 2.0).blocked_for == rules.FIRST_PAUSE


def test_a_probe_that_died_is_followed_by_another() -> None:
    standing = rules.open_breaker(Standing(), 1.0, 0.0)
    standing, _ = rules.claim_probe(standing, 1.0)
    assert rules.claim_probe(standing, 1.0 + rules.PROBE_SECONDS)[1]
