"""What happens to identity checks by itself: telling, screening, scanning; twice changes nothing."""

import os
import shutil
import socket
import struct
import subprocess
import threading
import time
from contextlib import contextmanager

import pytest
from django.utils import timezone

from accounts import tasks
from accounts.kyc import screening, services, telling
from accounts.kyc.models import KycCase, KycDocument
from accounts.notifications import mailing
from local.ports import free_port, is_connectable
from tests.accounts.papers import image
from tests.accounts.test_kyc_api import ANA, error_of
from tests.accounts.test_kyc_review import case, decide, omar, page_of, rita, status_of, told

__all__ = ["case", "omar", "rita"]
DETAILS = "/api/v1/kyc/details/"


# --- Telling ---


def test_the_applicant_is_told_once_and_why(rita, case, mailoutbox):
    decide(rita, case, "rejected", "The photo is blurred")
    for _ in range(2):
        tasks.tell_applicants()
        tasks.mail_notifications()
    (mail,) = [mail for mail in mailoutbox if "identity" in mail.subject]
    assert (mail.to, mail.subject) == (["nina@example.org"], "Your identity was not approved")
    assert "The photo is blurred" in mail.body


def test_a_proposal_is_not_told(rita, case):
    told(rita, case, act="risk", risk="high")
    decide(rita, case, "approved")
    assert telling.tell_applicants(now=timezone.now()) == 0


# --- The sanctions list ---


@pytest.fixture
def sanctioned(settings, tmp_path):
    """`sanctioned("A B", …)`: the list of sanctioned names from now on."""

    def written(*names):
        path = tmp_path / "sanctions.txt"
        path.write_text("# a list\n" + "\n".join(names) + "\n---\n", encoding="utf-8")
        settings.SANCTIONS_FILE = str(path)

    return written


@pytest.mark.parametrize("entry", ["NINA GARCIA", "García, Nina", "garcia nina", "Nina"])
def test_a_name_is_found_in_any_spelling_and_order(sanctioned, entry):
    sanctioned("Somebody Else", entry)
    assert screening.listed_as("Nina María García-López") == [entry]


def test_a_part_of_a_word_is_another_name(sanctioned):
    sanctioned("Nin Garc", "Nina Garcia Perez")
    assert screening.listed_as("Nina García") == []


def test_a_hit_blocks_the_approval_until_it_is_cleared_and_two_have_looked(
    rita, omar, case, api_of, applicant, sanctioned
):
    sanctioned("Garcia Nina")
    api_of(applicant).put(DETAILS, ANA)
    assert "on the sanctions list" in decide(rita, case, "approved")
    assert "This field is required" in told(rita, case, act="clear", name="Garcia Nina", reason="")
    assert "not an open hit" in told(rita, case, act="clear", name="Else", reason="Other birth date")
    assert "Cleared" in told(rita, case, act="clear", name="Garcia Nina", reason="Other birth date")
    assert decide(rita, case, "approved").startswith("Proposed.")
    assert decide(omar, case, "approved") == "Approved."


def test_without_a_name_to_ask_about_nobody_is_approved(rita, case, sanctioned):
    sanctioned("Garcia Nina")
    assert "The name was not given" in decide(rita, case, "approved")
    assert status_of(case) == "pending"


def test_another_name_is_another_question(case, api_of, applicant, sanctioned):
    sanctioned("Garcia Nina")
    api_of(applicant).put(DETAILS, ANA)
    KycCase.objects.update(cleared_names=["Garcia Nina"])
    api_of(applicant).put(DETAILS, ANA)
    assert KycCase.objects.get().open_hits == ["Garcia Nina"]


def test_who_comes_on_the_list_later_comes_back_to_the_reviewers(
    rita, case, api_of, applicant, sanctioned, mailoutbox
):
    api_of(applicant).put(DETAILS, ANA)
    decide(rita, case, "approved")
    sanctioned("Nobody Known")
    tasks.screen_identities()
    assert not KycCase.objects.waiting().exists()
    sanctioned("Garcia Nina")
    tasks.screen_identities()
    assert KycCase.objects.waiting().get() == case
    mailing.send_due(now=timezone.now())
    (mail,) = [mail for mail in mailoutbox if "sanctions list" in mail.subject]
    assert mail.to == ["rita@example.org"]
    assert "Garcia" not in mail.body
    page = rita.get(page_of(case)).content.decode()
    assert "On the sanctions list" in page


# --- The virus scanner ---

EICAR_LIKE = b"X-A-VIRUS-FOR-TESTS"


@contextmanager
def scanner(answers=None):
    """A stand-in that speaks clamd's INSTREAM and finds EICAR_LIKE; `answers` overrides what it says."""
    server = socket.create_server(("127.0.0.1", 0))
    seen = []

    def read(connection, count):
        data = b""
        while len(data) < count:
            piece = connection.recv(count - len(data))
            if not piece:
                return data
            data += piece
        return data

    def serve():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                assert read(connection, 10) == b"zINSTREAM\0"
                content = b""
                while size := struct.unpack("!I", read(connection, 4))[0]:
                    content += read(connection, size)
                seen.append(content)
                found = b"stream: Eicar-Test FOUND\0" if EICAR_LIKE in content else b"stream: OK\0"
                connection.sendall(found if answers is None else answers)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.getsockname()[1]}", seen
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


def test_a_clean_file_is_called_clean_and_scanned_as_it_was_sent(rita, send, settings):
    sent = image("PNG", (300, 300))
    with scanner() as (settings.CLAMAV_ADDRESS, seen):
        assert send(data=sent).status_code == 201
    assert seen == [sent]
    assert KycDocument.objects.get().scan == "clean"
    assert "nothing found" in rita.get(page_of(KycCase.objects.get())).content.decode()


def test_an_infected_file_is_refused_and_not_kept(send, settings, private_folder):
    with scanner() as (settings.CLAMAV_ADDRESS, _):
        assert error_of(send(data=image(comment=EICAR_LIKE))) == (400, "file_infected", "file")
    assert not list(private_folder.rglob("*"))


@pytest.mark.parametrize("answers", [b"INSTREAM size limit exceeded. ERROR\0", b"", b"stream: what?\0"])
def test_whatever_else_the_scanner_says_is_not_clean(send, settings, answers):
    with scanner(answers) as (settings.CLAMAV_ADDRESS, _):
        assert send().status_code == 201
    assert KycDocument.objects.get().scan == "not_scanned"


def test_a_scanner_that_is_away_holds_nobody_up_and_scans_later(send, settings):
    with scanner() as (address, _):
        pass
    settings.CLAMAV_ADDRESS = address
    assert send().status_code == 201
    assert services.scan_again() == 0
    with scanner() as (settings.CLAMAV_ADDRESS, _):
        assert [services.scan_again(), services.scan_again()] == [1, 0]
    assert KycDocument.objects.get().scan == "clean"


def test_what_is_found_later_cannot_be_opened_or_approved(rita, send, settings):
    send()
    KycDocument.objects.update(scan="infected")
    case = KycCase.objects.get()
    page = rita.get(page_of(case)).content.decode()
    assert "Do not open it" in page
    assert "Look at the passport" not in page
    look = f"/admin/accounts/kyccase/{case.pk}/documents/{case.documents.get().public_id}/"
    assert rita.get(look).status_code == 403
    assert "virus scanner" in decide(rita, case, "approved")


# --- ClamAV itself ---

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


@pytest.fixture(scope="module")
def clamd(tmp_path_factory):
    """Debian's clamd, which knows one virus; its addresses. It takes a second to start."""
    program = shutil.which("clamd", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("clamd is not installed (Debian: clamav-daemon)")
    folder = tmp_path_factory.mktemp("clamd")
    (folder / "own.ndb").write_text(f"Eicar-Test:0:*:{EICAR.hex()}\n")
    port, path = free_port(), folder / "socket"
    lines = ["Foreground yes", "TCPAddr 127.0.0.1", f"TCPSocket {port}", f"LocalSocket {path}"]
    (folder / "clamd.conf").write_text("\n".join([*lines, f"DatabaseDirectory {folder}", ""]))
    with (folder / "log").open("w") as log:
        command = [program, "--config-file", str(folder / "clamd.conf")]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        for _ in range(200):
            if path.exists() and is_connectable(port):
                break
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.1)
        yield str(path), f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def test_clamav_finds_what_it_knows_and_calls_the_rest_clean(clamd, send, settings, private_folder):
    for settings.CLAMAV_ADDRESS in clamd:
        infected = send(data=image(comment=EICAR))
        assert error_of(infected) == (400, "file_infected", "file")
        assert not list(private_folder.rglob("*.*"))
    assert send(data=image("PNG", (300, 300))).status_code == 201
    assert KycDocument.objects.get().scan == "clean"
