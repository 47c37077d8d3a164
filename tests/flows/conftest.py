from collections.abc import Iterator

import pytest

from tests.flows.platform_run import PlatformRun


@pytest.fixture(scope="session")
def running_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformRun]:
    """One platform for all flows of a session."""
    run = PlatformRun(tmp_path_factory.mktemp("platform"))
    try:
        run.start()
        yield run
    finally:
        run.stop()


@pytest.fixture
def platform(running_platform: PlatformRun) -> Iterator[PlatformRun]:
    """The platform, whole again after each test."""
    yield running_platform
    running_platform.control("DELETE", "faults")
    for name, _child in list(running_platform.platform.deaths()):
        running_platform.platform.restart(name)
    running_platform.platform.wait_ready()
