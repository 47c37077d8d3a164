"""Limits, counted in the real cache."""

import uuid

from rest.throttles import forgive, seconds_to_wait


def test_acts_above_the_limit_wait_for_the_next_window_and_a_forgiven_one_does_not_count(settings):
    settings.THROTTLING = True
    name = f"test:{uuid.uuid4()}"
    window = 10_000_000
    assert seconds_to_wait(name, limit=1, window=window) is None
    forgive(name, window=window)
    assert seconds_to_wait(name, limit=1, window=window) is None
    wait = seconds_to_wait(name, limit=1, window=window)
    assert wait is not None
    assert 0 < wait <= window + 1


def test_a_cache_that_is_away_limits_nobody(settings):
    settings.THROTTLING = True
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:9",
        }
    }
    assert [seconds_to_wait("x", limit=0) for _ in range(3)] == [None, None, None]
