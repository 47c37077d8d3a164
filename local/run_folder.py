"""The folder in which one running platform keeps its data, logs and lock."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from local.report import Refusal

LOCK_NAME = "lock"
# A killed process counts as living until somebody has read its exit code.
LIVING_PATIENCE_SECONDS = 1.0
# gunicorn may take its whole graceful time-out for a worker that was just starting.
ORPHANS_PATIENCE_SECONDS = 30.0
# Where a short path, or one that nobody may enter, is needed. The last one survives a restart of the machine.
# `make_private` takes nothing there that is not ours alone.
PUBLIC_FOLDERS = (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp"))  # nosec B108 # noqa: S108


def outside_folder(parent: Path, run_dir: Path) -> Path:
    """The folder below a public one that belongs to `run_dir`, the same at every start."""
    digest = hashlib.sha256(os.fsencode(run_dir)).hexdigest()[:12]
    return parent / f"copytrade-{os.geteuid()}-{digest}"


def make_private(folder: Path, *, owner: int) -> Path:
    """Make the folder for `owner` alone, or make sure that it is so: anybody may write beside it."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        os.chown(folder, owner, -1)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or stat.S_IMODE(found.st_mode) != 0o700:
        raise Refusal(f"{folder} exists and is not a private folder of ours: remove it and start again.")
    return folder


def remove(run_dir: Path) -> None:
    """Remove a run folder and what belongs to it elsewhere."""
    for folder in (run_dir, *(outside_folder(parent, run_dir) for parent in PUBLIC_FOLDERS)):
        shutil.rmtree(folder, ignore_errors=True)


def _take(path: Path) -> int | None:
    """An open, locked descriptor, or None when somebody holds the lock."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _holder_lives(path: Path) -> bool:
    """Whether the process that took the lock runs; its orphans may hold it a little longer."""
    try:
        os.kill(int(path.read_text(encoding="ascii")), 0)
    except (OSError, ValueError):
        return False
    return True


@contextlib.contextmanager
def locked(run_dir: Path, *, refusal: str) -> Iterator[int]:
    """Hold the folder's lock. Children that inherit the descriptor keep it until the last of them is gone."""
    run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = run_dir / LOCK_NAME
    began = time.monotonic()
    while (descriptor := _take(path)) is None:
        patience = LIVING_PATIENCE_SECONDS if _holder_lives(path) else ORPHANS_PATIENCE_SECONDS
        if time.monotonic() - began > patience:
            raise Refusal(refusal)
        time.sleep(0.1)
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def temporary(parent: Path, prefix: str) -> Iterator[tuple[Path, int]]:
    """A run folder for one run and its lock; those of earlier runs that were killed are removed first."""
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _remove_abandoned(parent, prefix)
    run_dir = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    with locked(run_dir, refusal=f"{run_dir} is in use.") as lock:
        try:
            yield run_dir, lock
        finally:
            remove(run_dir)


def _remove_abandoned(parent: Path, prefix: str) -> None:
    for folder in parent.glob(f"{prefix}*"):
        lock = folder / LOCK_NAME
        if not lock.exists():
            continue
        descriptor = _take(lock)
        if descriptor is not None:
            remove(folder)
            os.close(descriptor)
