"""People who use a platform at once, in a process of their own: `python -m benchmarks.visitors`.

The process reads one JSON object (see `benchmarks/load.py`) and writes one: what each kind of request took.
"""

from __future__ import annotations

import itertools
import json
import random
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests
import urllib3

# Of a hundred requests of one who looks.
MIX = {"page": 60, "api": 32, "export": 8}
# The platform takes sixty signals a minute of one strategy.
SIGNAL_EVERY_SECONDS = 1.5
# The bare view is asked between, so that both meet the same noise.
TURNS = 3
BARE_SHARE = 0.2
ANSWER_SECONDS = 30.0
TAKEN = (200, 202)


@dataclass
class Measured:
    """Milliseconds of what was answered well, and the rest by what was wrong with it."""

    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, other: Measured) -> None:
        for kind, took in other.took.items():
            self.took[kind] += took
        for kind, errors in other.errors.items():
            self.errors[kind] += errors


class Client:
    """One connection, kept as browsers keep theirs, and its own list of figures: threads share nothing."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self.pool = urllib3.connection_from_url(url, maxsize=1, timeout=ANSWER_SECONDS, retries=False)
        self.headers = headers
        self.measured = Measured()

    def ask(self, kind: str, method: str, path: str, **sent: Any) -> None:
        began = time.perf_counter()
        try:
            status = self.pool.request(method, path, redirect=False, **sent).status
        except urllib3.exceptions.HTTPError as error:
            self.measured.errors[kind][type(error).__name__] += 1
            return
        if status in TAKEN:
            self.measured.took[kind].append((time.perf_counter() - began) * 1000)
        else:
            # A page that leads to the log-in is an error here too.
            self.measured.errors[kind][str(status)] += 1


class Visitor(Client):
    """Looks at pages, asks the API and exports trades, one after the other and without a pause."""

    def __init__(self, url: str, person: dict[str, Any], seed: str) -> None:
        super().__init__(url, {"Cookie": _log_in(url, person["email"], person["password"])})
        self.paths: dict[str, list[str]] = person["paths"]
        self.tokens = itertools.cycle(person["tokens"])
        self.random = random.Random(seed)

    def warm_up(self) -> None:
        """Everything once, not counted: a new process has no template compiled."""
        for kind, paths in self.paths.items():
            for path in paths:
                self._look(kind, path)
        self.measured = Measured()

    def visit(self, until: float) -> None:
        while time.monotonic() < until:
            (kind,) = self.random.choices(list(MIX), list(MIX.values()))
            self._look(kind, self.random.choice(self.paths[kind]))

    def _look(self, kind: str, path: str) -> None:
        headers = self.headers if kind == "page" else {"Authorization": f"Bearer {next(self.tokens)}"}
        self.ask(kind, "GET", path, headers=headers)


class Master(Client):
    """Buys and sells the same amount by turns, so that the money lasts."""

    def __init__(self, url: str, master: dict[str, Any]) -> None:
        super().__init__(url, {"Authorization": f"Bearer {master['token']}", "Connection": "close"})
        self.path, self.symbol, self.amount = master["path"], master["symbol"], master["amount"]
        self.numbers = itertools.count()

    def visit(self, until: float) -> None:
        while time.monotonic() < until:
            began = time.monotonic()
            self._signal(next(self.numbers))
            time.sleep(max(0.0, began + SIGNAL_EVERY_SECONDS - time.monotonic()))

    def _signal(self, number: int) -> None:
        body = {
            "client_signal_id": f"load-{number}",
            "symbol": self.symbol,
            "side": "sell" if number % 2 else "buy",
            "type": "market",
            "amount": self.amount,
        }
        self.ask("signal", "POST", self.path, json=body, headers={**self.headers, "X-Nonce": f"n{number}"})


class BareVisitor(Client):
    def visit(self, until: float) -> None:
        while time.monotonic() < until:
            self.ask("bare", "GET", "/", headers=self.headers)


def _log_in(url: str, email: str, password: str) -> str:
    """As a browser does it; the cookies that it sends from then on."""
    with requests.Session() as browser:
        page = f"{url}/accounts/login/"
        browser.get(page, timeout=ANSWER_SECONDS)
        form = {"login": email, "password": password, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        answer = browser.post(page, form, timeout=ANSWER_SECONDS, headers={"Referer": page})
        if "sessionid" not in browser.cookies:
            raise RuntimeError(f"{email} could not log in: {answer.status_code}")
        return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())


def _together(clients: Sequence[Visitor | Master | BareVisitor], seconds: float) -> float:
    """Let all of them ask at once; how long it was until the last answer."""
    began = time.monotonic()
    threads = [threading.Thread(target=client.visit, args=(began + seconds,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.monotonic() - began


def _turns(seconds: float) -> Iterator[tuple[float, float]]:
    for _turn in range(TURNS):
        yield seconds * (1 - BARE_SHARE) / TURNS, seconds * BARE_SHARE / TURNS


def main(plan: dict[str, Any]) -> dict[str, Any]:
    visitors = [
        Visitor(plan["url"], person, f"{plan['seed']}-{number}")
        for number, person in enumerate(plan["people"])
    ]
    everybody: list[Visitor | Master] = [
        *visitors,
        *(Master(plan["url"], master) for master in plan["masters"]),
    ]
    bare = [BareVisitor(plan["bare_url"], {}) for _visitor in visitors]
    visitors[0].warm_up()
    mixed_seconds = bare_seconds = 0.0
    for mixed, alone in _turns(plan["seconds"]):
        mixed_seconds += _together(everybody, mixed)
        bare_seconds += _together(bare, alone)
    measured = Measured()
    for client in (*everybody, *bare):
        measured.add(client.measured)
    return {
        "seconds": {"mixed": mixed_seconds, "bare": bare_seconds},
        "took": measured.took,
        "errors": measured.errors,
    }


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.stdin.readline()))), flush=True)
