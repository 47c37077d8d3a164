"""Addresses that people give lead to the public internet, or nowhere."""

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from accounts.notifications import gate
from accounts.notifications.gate import AddressRefused, Gate, Unreachable, is_public


def leading_to(*addresses: str, **more) -> Gate:
    return Gate(resolve=lambda host, port: list(addresses), is_plain_http_allowed=True, **more)


class Site:
    """A site on this machine: what it got, and what it answers."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                site.got.append((self.path, dict(self.headers), body))
                self.send_response(site.status)
                for name, value in site.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *args) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def site():
    one = Site()
    yield one
    one.stop()


def here(**more) -> Gate:
    """For tests: every name is this machine, which is allowed."""
    return leading_to("127.0.0.1", is_allowed=lambda address: True, **more)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1"),  # noqa: S104
        *("169.254.169.254", "100.64.0.1", "192.0.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1"),
        *("255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1"),
        *("2002:7f00:1::1", "2001:0:7f00:1::1", "2001:db8::1", "64:ff9b:1::1"),
    ],
)
def test_what_is_not_the_public_internet_is_refused(address, site):
    assert not is_public(ipaddress.ip_address(address))
    with pytest.raises(AddressRefused):
        gate.post(f"http://bot.example.org:{site.port}/", b"{}", {}, leading_to(address))
    assert site.got == []


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_the_public_internet_is_allowed(address):
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST", "localhost.", "127.0.0.1", "127.1", "0", "2130706433", "0x7f000001"),
        *("0177.0.0.1", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[fe80::1%25lo]"),
        *("169.254.169.254", "2852039166", "0251.0376.0251.0376"),
    ],
)
def test_no_way_to_write_this_machine_is_taken(host, site):
    way = Gate(is_plain_http_allowed=True)
    with pytest.raises(AddressRefused):
        gate.check(f"http://{host}:{site.port}/", way)
    with pytest.raises(Unreachable):
        gate.post(f"http://{host}:{site.port}/", b"{}", {}, way)
    assert site.got == []


@pytest.mark.parametrize(
    "url",
    [
        *("", "bot.example.org", "ftp://bot.example.org/", "file:///etc/passwd", "//bot.example.org/"),
        *("https://", "https://:443/", "https://user:secret@bot.example.org/", "https://bot.example.org/#x"),
        *("https://bot.example.org:22/", "https://bot.example.org:99999/", "https://bot.example.org:x/"),
        *("https://bot.example.org/\r\nHost: x", "https://bot.example.org\\@x/", "https://b\u00f6t.example/"),
        *("https://bot.example.org/ x", "gopher://127.0.0.1/", "https://[::1/", "https://a b/"),
        "https://bot.example.org/" + "x" * 500,
    ],
)
def test_what_is_no_address_we_send_to_is_refused_unasked(url):
    def never(host, port):
        raise AssertionError("asked")

    with pytest.raises(AddressRefused):
        gate.check(url, Gate(resolve=never, is_plain_http_allowed=False))


def test_plain_http_is_for_debugging_only():
    with pytest.raises(AddressRefused):
        gate.check(
            "http://bot.example.org/", Gate(resolve=lambda *_: ["8.8.8.8"], is_plain_http_allowed=False)
        )


def test_one_private_answer_among_public_ones_is_enough_to_refuse(site):
    with pytest.raises(AddressRefused):
        gate.post("http://bot.example.org/", b"{}", {}, leading_to("8.8.8.8", "127.0.0.1"))


def test_a_name_that_leads_elsewhere_after_the_check_is_not_asked_again(site):
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    way = Gate(
        resolve=lambda *_: next(answers),
        is_allowed=lambda address: str(address) == "127.0.0.1",
        is_plain_http_allowed=True,
    )
    url = f"http://bot.example.org:{site.port}/hook?a=1"
    gate.post(url, b"{}", {}, way)
    # What was checked when it was made is checked again each time.
    with pytest.raises(AddressRefused):
        gate.post(url, b"{}", {}, way)
    [(path, headers, body)] = site.got
    assert (path, headers["Host"], body) == ("/hook?a=1", f"bot.example.org:{site.port}", b"{}")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(site, status):
    site.status, site.headers = status, {"Location": f"http://127.0.0.1:{site.port}/inside"}
    with pytest.raises(Unreachable, match="redirects are not followed"):
        gate.post(f"http://bot.example.org:{site.port}/", b"{}", {}, here())
    assert [path for path, _headers, _body in site.got] == ["/"]


@pytest.mark.parametrize("status", [400, 404, 410, 500, 503])
def test_anything_but_success_is_no_delivery(site, status):
    site.status = status
    with pytest.raises(Unreachable, match=str(status)):
        gate.post(f"http://bot.example.org:{site.port}/", b"{}", {}, here())


def test_nobody_there_an_unknown_name_and_a_long_message_are_no_delivery():
    def unknown(host, port):
        raise OSError

    with socket.create_server(("127.0.0.1", 0)) as closed_soon:
        port = closed_soon.getsockname()[1]
    with pytest.raises(Unreachable):
        gate.post(f"http://bot.example.org:{port}/", b"{}", {}, here())
    with pytest.raises(Unreachable, match="name"):
        gate.post("http://bot.example.org/", b"{}", {}, Gate(resolve=unknown, is_plain_http_allowed=True))
    with pytest.raises(Unreachable, match="long"):
        gate.post("http://bot.example.org/", b"x" * 100_000, {}, here())


def test_who_sends_a_byte_now_and_then_does_not_hold_us(monkeypatch):
    monkeypatch.setattr(gate, "WHOLE_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listening, pytest.raises(Unreachable):
        gate.post(f"http://bot.example.org:{listening.getsockname()[1]}/", b"{}", {}, here())


def certificate(folder, name):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + made.public_bytes(pem))
    return path


def test_tls_asks_for_the_name_and_not_for_the_checked_address(site, tmp_path):
    path = certificate(tmp_path, "bot.example.org")
    names = []
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    server.sni_callback = lambda sock, name, context: names.append(name)
    site.server.socket = server.wrap_socket(site.server.socket, server_side=True)
    way = here(context=lambda: ssl.create_default_context(cafile=str(path)))
    gate.post(f"https://bot.example.org:{site.port}/", b"{}", {}, way)
    assert names == ["bot.example.org"]
    with pytest.raises(Unreachable):
        gate.post(f"https://other.example.org:{site.port}/", b"{}", {}, way)
    with pytest.raises(Unreachable):
        gate.post(f"https://bot.example.org:{site.port}/", b"{}", {}, here())
    assert len(site.got) == 1
