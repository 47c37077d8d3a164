"""Where things lie in a checkout."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Without PATH in the environment Python does not know its own name.
PYTHON = sys.executable or str(Path("/proc/self/exe").resolve())
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
RUN = ROOT / ".run"
PROCFILE = ROOT / "Procfile"
