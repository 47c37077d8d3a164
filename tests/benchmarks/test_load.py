"""The visitors of `make load` ask as their seed says and count what was not answered well."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from benchmarks import load, visitors

PATHS = {
    "page": [f"/page-{number}" for number in range(9)],
    "api": ["/api-a", "/api-b"],
    "export": ["/export"],
}


class Site(ThreadingHTTPServer):
    """Lets everybody in, answers each path with 200 but those in `broken`, and remembers what was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.asked: list[str] = []
        self.broken: dict[str, int] = {}
        self.url = f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Site

    def do_GET(self) -> None:
        status = self.server.broken.get(self.path, 200)
        if not self.path.startswith("/accounts/"):
            self.server.asked.append(self.path)
        self.send_response(status)
        self.send_header("Set-Cookie", "csrftoken=c; Path=/")
        if self.command == "POST":
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_header("Set-Cookie", "sessionid=s; Path=/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def visitor(site: Site, seed: str) -> visitors.Visitor:
    person = {"email": "fay@demo.example", "password": "p", "tokens": ["a", "b"], "paths": PATHS}
    return visitors.Visitor(site.url, person, seed)


def asked_by(site: Site, seed: str, count: int = 30) -> list[str]:
    """What this visitor asks first."""
    site.asked.clear()
    someone = visitor(site, seed)
    someone.visit(until=time.monotonic() + 0.3)
    someone.pool.close()
    return site.asked[:count]


def test_one_seed_asks_for_the_same_in_the_same_order(site: Site) -> None:
    first = asked_by(site, "1")
    assert len(set(first)) > 3
    assert asked_by(site, "1") == first
    assert asked_by(site, "2") != first


@pytest.mark.parametrize("status", [302, 404, 429, 500])
def test_what_is_not_answered_well_is_an_error_and_no_time(site: Site, status: int) -> None:
    site.broken = {"/page-1": status}
    someone = visitor(site, "1")
    someone.ask("page", "GET", "/page-1")
    someone.ask("page", "GET", "/page-2")
    someone.pool.close()
    assert someone.measured.errors == {"page": {str(status): 1}}
    assert len(someone.measured.took["page"]) == 1


def test_a_server_that_is_gone_is_an_error(site: Site) -> None:
    someone = visitor(site, "1")
    someone.pool.close()
    gone = visitors.Client("http://127.0.0.1:1", {})
    gone.ask("page", "GET", "/")
    assert gone.measured.errors == {"page": {"NewConnectionError": 1}}


def test_the_figures_tell_each_kind_by_its_own_seconds() -> None:
    took = {kind: [float(ms) for ms in range(1, 102)] for kind in load.KINDS}
    told = {"seconds": {"mixed": 10.0, "bare": 2.0}, "took": took, "errors": {"api": {"500": 2, "429": 1}}}
    figures = load._figures(told)
    assert figures["page_per_second"] == pytest.approx(10.1)
    assert figures["bare_per_second"] == pytest.approx(50.5)
    assert [figures[f"signal_p{percent}_ms"] for percent in (50, 95, 99)] == pytest.approx([51, 96, 100])
    assert (figures["api_errors"], figures["page_errors"]) == (3, 0)
