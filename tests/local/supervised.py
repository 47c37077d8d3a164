"""A supervisor for the tests to kill: engines of its own and a web server, until somebody ends it.

supervised.py RUN_DIR PROCFILE
"""

import signal
import sys
from pathlib import Path

from local import engines, environment
from local.platform import Platform
from local.processes import Stopped, take_charge
from local.run_folder import locked


def main(run_dir: Path, procfile: Path) -> None:
    take_charge()
    env = environment.base()
    for name in ("DATABASE_URL", "REDIS_URL"):
        env.pop(name, None)
    with (
        locked(run_dir, refusal="it runs already.") as lock,
        engines.running(run_dir, env=env, durable=False, lock=lock) as running,
    ):
        platform = Platform(run_dir, env=running.env(), keep_open=(lock,), procfile=procfile)
        try:
            platform.start("web")
            platform.wait_ready()
            print("up", flush=True)
            signal.pause()
        except Stopped:
            pass
        finally:
            platform.stop_all()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
