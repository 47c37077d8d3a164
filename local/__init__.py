"""Runs the platform on one machine: installs, finds or starts the engines, supervises the processes.

Standard library only and no Django: it runs before anything is installed and before settings can load.
"""

import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this is where an older Python is told so
    sys.exit(
        f"Copytrade needs Python 3.11 or newer, this is {sys.version_info[0]}.{sys.version_info[1]}: "
        "name another one, for example `make demo PYTHON=python3.12`."
    )

os.environ.setdefault("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
