import os
from pathlib import Path

import pytest

from local import run_folder
from local.report import Refusal


def test_a_second_run_in_the_same_folder_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with (
        run_folder.locked(tmp_path, refusal="busy"),
        pytest.raises(Refusal, match="busy"),
        run_folder.locked(tmp_path, refusal="busy"),
    ):
        pass


def test_a_temporary_folder_is_gone_after_its_run(tmp_path: Path) -> None:
    with run_folder.temporary(tmp_path, "test-") as (run_dir, _lock):
        (run_dir / "data").mkdir()
    assert not run_dir.exists()


def test_folders_of_killed_runs_are_removed_and_those_of_living_ones_kept(tmp_path: Path) -> None:
    abandoned = tmp_path / "test-abandoned"
    abandoned.mkdir()
    (abandoned / "lock").touch()
    with run_folder.temporary(tmp_path, "test-") as (living, _lock), run_folder.temporary(tmp_path, "test-"):
        assert living.exists()
        assert not abandoned.exists()


@pytest.mark.parametrize("mode", [0o755, 0o770])
def test_a_folder_that_others_may_enter_is_not_taken_for_a_private_one(tmp_path: Path, mode: int) -> None:
    planted = tmp_path / "planted"
    planted.mkdir()
    planted.chmod(mode)
    with pytest.raises(Refusal, match="not a private folder of ours"):
        run_folder.make_private(planted, owner=os.geteuid())


def test_a_link_is_not_taken_for_a_private_folder(tmp_path: Path) -> None:
    target = run_folder.make_private(tmp_path / "target", owner=os.geteuid())
    link = tmp_path / "link"
    link.symlink_to(target)
    with pytest.raises(Refusal, match="not a private folder of ours"):
        run_folder.make_private(link, owner=os.geteuid())
