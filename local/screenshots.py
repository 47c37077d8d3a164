"""Every page as people see it, light and dark, on a desk and on a phone.

python -m local.screenshots [WORD...]    into .run/screenshots/; only pages whose name has one of the words
"""

import time

from local.demo import LIVELY_MARKET, apart
from local.paths import ROOT, RUN
from local.processes import Stopped, run, run_or_refuse, take_charge
from local.report import run_main, step

TARGET = RUN / "screenshots"
MODULE = ("python", "-m")
# Until every master has bought and sold, and figures of some minutes are kept.
TRADING_SECONDS = 150.0


def main(arguments: list[str]) -> int:
    take_charge()
    try:
        with apart("pictures-", LIVELY_MARKET) as platform:
            env = platform.env | {"DJANGO_SETTINGS_MODULE": "copytrade.settings"}
            with step("staging"):
                log = platform.run_dir / "staging.log"
                run_or_refuse("staging", [*MODULE, "tests.browser.staging"], env=env, cwd=ROOT, log=log)
            platform.start_command("trade_demo")
            with step(f"trading for {TRADING_SECONDS:.0f} s"):
                time.sleep(TRADING_SECONDS)
            camera = [*MODULE, "tests.browser.screenshots", platform.url, str(TARGET)]
            return run("screenshots", [*camera, *arguments], env=env, cwd=ROOT)
    except Stopped as stopped:
        return 128 + stopped.signal_number


if __name__ == "__main__":
    run_main(main)
