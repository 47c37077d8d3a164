import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local import environment
from local.paths import PROCFILE
from local.platform import Platform, read_procfile
from local.processes import ChildDied
from tests.local.living import eventually

Start = Callable[[str], Platform]


@pytest.fixture
def platform_of(tmp_path: Path) -> Iterator[Start]:
    made: list[Platform] = []

    def make(procfile: str) -> Platform:
        path = tmp_path / "Procfile"
        path.write_text(procfile, encoding="utf-8")
        made.append(Platform(tmp_path / "run", env=environment.base(), procfile=path))
        return made[-1]

    yield make
    for platform in made:
        platform.stop_all()


def test_people_are_sent_to_a_name_as_no_browser_keeps_a_passkey_for_a_bare_address(
    platform_of: Start,
) -> None:
    platform = platform_of("web: sleep 1")
    assert platform.url == f"http://localhost:{platform.web_port}"
    assert platform.env["PUBLIC_URL"] == platform.url


def test_a_process_that_dies_at_its_start_says_why(platform_of: Start) -> None:
    platform = platform_of("trading: sh -c 'echo no such queue >&2; exit 3'")
    platform.start("trading")
    with pytest.raises(ChildDied, match=r"(?s)trading ended with exit code 3\..*no such queue"):
        platform.wait_ready()


def test_a_killed_process_can_be_started_again(platform_of: Start) -> None:
    platform = platform_of("trading: sh -c 'echo $$ ready; exec sleep 600'")
    first = platform.start("trading").process.pid
    platform.wait_ready()
    platform.kill("trading", signal.SIGKILL)
    assert [name for name, _ in platform.deaths()] == ["trading"]
    second = platform.restart("trading").process.pid
    platform.wait_ready("trading")
    assert first != second
    assert list(platform.deaths()) == []


def test_two_of_a_kind_run_under_their_own_names_and_environments(platform_of: Start) -> None:
    platform = platform_of("trading: sh -c 'echo $WHO is ready; exec sleep 600'")
    platform.start("trading", env={"WHO": "one"})
    platform.start("trading", as_name="trading-2", env={"WHO": "two"})
    platform.wait_ready()
    texts = [platform.children[name].log_text() for name in ("trading", "trading-2")]
    assert texts == ["one is ready\n", "two is ready\n"]


def test_stopping_ends_what_a_process_started_itself(platform_of: Start, tmp_path: Path) -> None:
    platform = platform_of("parent: sh -c 'sleep 600 & echo $!; wait'")
    child = platform.start("parent")
    platform.wait_ready()
    grandchild = Path("/proc") / child.log_text().strip()
    assert grandchild.exists()
    platform.stop_all()
    assert eventually(lambda: not (grandchild / "exe").exists())


def test_the_procfile_names_the_processes_of_production() -> None:
    assert set(read_procfile(PROCFILE)) == {"web", "trading", "default", "beat", "watcher", "paper"}
