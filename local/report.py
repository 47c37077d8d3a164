"""What the person at the terminal reads: one line a step, and one sentence when something cannot be done."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Refusal(Exception):
    """Something that the person can put right; its text is the whole sentence to show."""


@contextmanager
def step(what: str) -> Iterator[None]:
    """Print `what`, then the seconds it took, on one line."""
    began = time.monotonic()
    print(f"  {what} ...", end=" ", flush=True)
    try:
        yield
    except BaseException:
        print("failed", flush=True)
        raise
    print(f"{time.monotonic() - began:.1f} s", flush=True)


def say(line: str) -> None:
    print(line, flush=True)


def run_main(main: Callable[[list[str]], int]) -> None:
    """Run `main` as the process: its answer is the exit code, a Refusal is one line and exit code 1."""
    try:
        code = main(sys.argv[1:])
    except Refusal as refusal:
        print(f"error: {refusal}", file=sys.stderr, flush=True)
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
