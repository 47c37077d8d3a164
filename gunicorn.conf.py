"""Read by gunicorn itself: what happens around its workers. What they run is in the Procfile."""

import os
from pathlib import Path
from typing import Any

from copytrade import shared_counts

# Whether a request came by TLS is said by TRUSTED_PROXIES alone; gunicorn would believe all of this machine.
secure_scheme_headers: dict[str, str] = {}


def child_exit(server: Any, worker: Any) -> None:
    """What a worker has counted outlives it."""
    folder = Path(os.environ.get("METRICS_DIR") or shared_counts.DEFAULT)
    if folder.exists():
        shared_counts.fold_dead(folder)
