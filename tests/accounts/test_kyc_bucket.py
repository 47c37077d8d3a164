"""Documents in a private S3 bucket: what a server that checks signatures hands out, and to whom."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from storages.backends.s3 import S3Storage

from accounts.kyc import files, services
from accounts.kyc.models import KycCase, KycDocument
from compliance.models import AuditRecord
from tests.accounts.papers import image
from tests.accounts.test_kyc_review import rita

__all__ = ["rita"]
KEY, SECRET, BUCKET = "made-up-access-key", "made-up-secret-key", "papers"


def rclone() -> str:
    beside = Path(sys.executable).with_name("rclone")
    found = str(beside) if beside.exists() else shutil.which("rclone")
    if found is None:
        pytest.skip("rclone is not there: requirements-dev.txt has it.")
    return found


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory):
    """Where `rclone serve s3` answers."""
    folder = tmp_path_factory.mktemp("s3")
    (folder / BUCKET).mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [
            rclone(),
            "serve",
            "s3",
            "--addr",
            f"127.0.0.1:{port}",
            "--auth-key",
            f"{KEY},{SECRET}",
            str(folder),
        ],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "RCLONE_CONFIG": "/dev/null"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def storage_at(endpoint, settings, secret=SECRET, kind="kyc"):
    options = settings.PRIVATE_BUCKET["OPTIONS"] | {
        "bucket_name": BUCKET,
        "endpoint_url": endpoint,
        "access_key": KEY,
        "secret_key": secret,
    }
    bucket = settings.PRIVATE_BUCKET | {"OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, kind: bucket}


@pytest.fixture
def bucket(endpoint, settings, private_folder):
    storage_at(endpoint, settings)
    return endpoint


def answer(address):
    try:
        with urllib.request.urlopen(address) as response:  # noqa: S310 - our own server
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, b""


@pytest.fixture
def stored(bucket, send) -> KycDocument:
    assert send().status_code == 201
    return KycDocument.objects.get()


def test_a_reviewer_gets_a_link_that_shows_the_file(stored, rita, bucket):
    page = rita.get(f"/admin/accounts/kyccase/{stored.case_id}/documents/{stored.public_id}/")
    link = page.context["link"]
    assert link.startswith(f"{bucket}/{BUCKET}/kyc/")
    assert link.split("?")[0] in page["Content-Security-Policy"]
    status, content = answer(link)
    assert status == 200
    assert content == files.read(stored.stored_as)
    assert AuditRecord.objects.filter(action="kyc.view", object=str(stored.public_id)).count() == 1


def test_nothing_else_opens_it(stored, bucket, user, settings, monkeypatch):
    link = files.link(stored, reader=user)
    plain, _, query = link.partition("?")
    signature = query.partition("X-Amz-Signature=")[2][:64]
    other = KycDocument(stored_as="kyc/" + "0" * 48, media_type="image/jpeg")
    refused = {
        "unsigned": plain,
        "tampered signature": link.replace(signature, "0" * 64),
        "longer life": link.replace("X-Amz-Expires=60", "X-Amz-Expires=600000"),
        "another file": link.replace(stored.stored_as, other.stored_as),
        "the bucket itself": f"{bucket}/{BUCKET}/",
    }
    assert "X-Amz-Expires=60" in query
    for how, address in refused.items():
        assert answer(address)[0] in {400, 403}, how
    storage_at(bucket, settings, secret="another-secret-key")
    assert answer(files.link(stored, reader=user))[0] == 403


def test_a_link_expires(stored, user, monkeypatch):
    monkeypatch.setattr(files, "LINK_SECONDS", 1)
    link = files.link(stored, reader=user)
    assert answer(link)[0] == 200
    time.sleep(2.1)
    assert answer(link)[0] in {400, 403}


def test_it_is_encrypted_there_and_its_name_tells_nothing(bucket, send, settings, monkeypatch):
    sent = {}
    parameters = S3Storage._get_write_parameters

    def watched(self, name, content=None):
        sent.update(parameters(self, name, content))
        return sent

    monkeypatch.setattr(S3Storage, "_get_write_parameters", watched)
    send()
    assert sent["ServerSideEncryption"] == "AES256"
    assert "ACL" not in sent
    assert KycDocument.objects.get().stored_as.removeprefix("kyc/").isalnum()


def test_replaced_and_orphaned_files_go(stored, send, private_folder):
    send(data=image("PNG"))
    orphan = files.store(b"an upload that died half-way")
    now = timezone.now()
    assert services.remove_orphans(now=now) == 0
    # The other tests' files are orphans by now as well.
    assert services.remove_orphans(now=now + timedelta(hours=2)) >= 1
    with pytest.raises(FileNotFoundError):
        files.read(orphan)
    with pytest.raises(FileNotFoundError):
        files.read(stored.stored_as)
    assert files.read(KycCase.objects.get().documents.current().get().stored_as)
    assert not list(private_folder.rglob("*"))
