"""Becomes one process of the Procfile, for containers and services: the commands stand in one place only.

python -m local.procfile NAME
"""

import os
import sys

from local.paths import PROCFILE, ROOT
from local.platform import read_procfile
from local.report import Refusal, run_main


def main(arguments: list[str]) -> int:
    commands = read_procfile(PROCFILE)
    if len(arguments) != 1 or arguments[0] not in commands:
        raise Refusal(f"Usage: python -m local.procfile {'|'.join(commands)}")
    os.chdir(ROOT)
    sys.stdout.flush()
    # The shell gives way to the program, which then gets the signals itself.
    os.execv("/bin/sh", ["/bin/sh", "-c", f"exec {commands[arguments[0]]}"])  # noqa: S606


if __name__ == "__main__":
    run_main(main)
