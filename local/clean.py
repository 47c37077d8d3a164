"""Removes all that was installed, fetched, cached or run here.

python -m local.clean
"""

import shutil

from local.paths import ROOT, RUN, VENV
from local.report import run_main, step
from local.run_folder import locked, remove

CACHES = (".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".import_linter_cache")
FETCHED = ("node_modules", "static/vendor")


def main(_arguments: list[str]) -> int:
    with locked(RUN, refusal="a demo of this checkout runs; stop it first."), step("cleaning"):
        for name in (*CACHES, *FETCHED):
            shutil.rmtree(ROOT / name, ignore_errors=True)
        shutil.rmtree(VENV, ignore_errors=True)
        remove(RUN)
    return 0


if __name__ == "__main__":
    run_main(main)
