"""State that survives a restart: one JSON line per account, order state, balance change and price list.

Lines carry the state *after* the change, so replaying is assignment. They are handed to the system at once,
not forced to disk: a killed process loses nothing, a power cut may. A last line cut short is dropped.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Journal:
    """An append-only file, open for as long as the exchange runs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_RDWR, 0o600)

    def read(self) -> Iterator[dict[str, Any]]:
        """Every whole line. A torn last line is cut off, so that the next one starts clean."""
        kept = 0
        with self.path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break
                kept += len(line)
                yield json.loads(line)
        os.truncate(self.path, kept)

    def write(self, kind: str, **values: Any) -> None:
        line = json.dumps({"t": kind, **values}, separators=(",", ":")) + "\n"
        os.write(self._descriptor, line.encode())

    def close(self) -> None:
        os.close(self._descriptor)
