"""Exports that a worker writes: the same bytes as the streamed ones, whatever happens to who writes them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.utils import timezone
from storages.backends.s3 import S3Storage

from compliance.audit import SYSTEM
from compliance.models import AuditRecord
from execution import tasks
from execution.exports import keeping, services, writing
from execution.exports.models import SILENT_AFTER, ExportJob
from records.private_files import PrivateFiles
from rest.errors import Conflict
from tests.accounts.test_kyc_bucket import endpoint, storage_at
from tests.factories import SubscriptionFactory
from tests.ledger.test_api_books import book

__all__ = ["endpoint"]


class Killed(BaseException):
    """What no code of the platform catches."""


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.PRIVATE_FILES_DIR = tmp_path
    lies_in = {"BACKEND": "accounts.kyc.folder.PrivateFolder", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = {**settings.STORAGES, "exports": lies_in}
    return tmp_path / "exports"


@pytest.fixture
def traded(subscription, monkeypatch):
    """Seven trades, of which three make a part."""
    monkeypatch.setattr(writing, "PART", 3)
    for number in range(7):
        book(subscription, trade_id=f"={number}" if number % 2 else str(number))
    return subscription


@pytest.fixture
def ask(user):
    def asked(form="csv", **wanted) -> ExportJob:
        return services.ask(user=user, form=form, wanted=wanted, origin=SYSTEM, now=timezone.now())

    return asked


def written(job: ExportJob) -> bytes:
    with services.FILES.storage.open_unread(ExportJob.objects.get(pk=job.pk).stored_as) as file:
        return file.read()


def streamed(api, form="csv", **filters) -> bytes:
    content: bytes = api.get("/api/v1/trades/export", {"format": form, **filters}).getvalue()
    return content


def claimed() -> ExportJob:
    job = writing.claim(now=timezone.now())
    assert job is not None
    return job


def make_silent(job: ExportJob) -> None:
    """As if its writer had said nothing for long."""
    ExportJob.objects.filter(pk=job.pk).update(alive_at=timezone.now() - SILENT_AFTER - timedelta(seconds=1))


@pytest.mark.parametrize("form", ["csv", "json"])
def test_the_file_is_the_streamed_one_byte_for_byte(form, ask, api, traded):
    job = ask(form)
    writing.write_waiting()
    job.refresh_from_db()
    assert written(job) == streamed(api, form)
    assert (job.state, job.rows_written, job.size) == ("done", 7, len(written(job)))


def test_the_filters_are_those_of_the_list(ask, api, traded):
    other = SubscriptionFactory.create(follower=traded.follower)
    last = book(other, trade_id="9", side="buy")
    wanted = {"subscription": other, "strategy": other.strategy, "from": last.at, "side": "buy"}
    job = ask(**wanted)
    writing.write_waiting()
    filters = {"subscription": str(other.public_id), "side": "buy"}
    assert written(job) == streamed(api, **filters)
    assert written(job).count(b"\r\n") == 2


def test_nobody_elses_trades_are_in_it(ask, traded):
    book(SubscriptionFactory.create(), trade_id="theirs")
    job = ask()
    writing.write_waiting()
    assert b"theirs" not in written(job)


def test_what_is_traded_after_the_asking_is_not_in_it(ask, traded):
    job = ask()
    book(traded, trade_id="late")
    writing.write_waiting()
    assert b"late" not in written(job)


def test_an_export_of_nothing_has_its_head(ask, api, user):
    job = ask()
    writing.write_waiting()
    assert written(job) == streamed(api)


def dying(real, *, after: bool = False, at_call: int = 1):
    """`real`, whose caller is killed at that call, before or after its work."""
    calls = []

    def died(*args, **kwargs):
        calls.append(args)
        if len(calls) < at_call:
            return real(*args, **kwargs)
        if after:
            real(*args, **kwargs)
        raise Killed

    return died


KILLED: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "in a part": (writing, "with_orders", {"at_call": 2}),
    "before the file is stored": (PrivateFiles, "store", {}),
    "after the file is stored": (PrivateFiles, "store", {"after": True}),
    "before it is told": (writing, "_finish", {}),
}


@pytest.mark.parametrize("where", KILLED)
def test_a_writer_killed_anywhere_is_followed_by_one_with_the_same_result(
    where, ask, api, traded, folder, monkeypatch
):
    job = ask()
    module, name, how = KILLED[where]
    with monkeypatch.context() as broken, pytest.raises(Killed):
        broken.setattr(module, name, dying(getattr(module, name), **how))
        writing.write_waiting()
    tasks.write_exports.run()
    assert ExportJob.objects.get().state == "running", "its writer may still live"
    make_silent(job)
    tasks.write_exports.run()
    assert written(job) == streamed(api)
    assert ExportJob.objects.get().rows_total == 7
    keeping.tidy(now=timezone.now() + timedelta(hours=2))
    assert [f"exports/{file.name}" for file in folder.iterdir()] == [ExportJob.objects.get().stored_as]


def test_a_late_writer_changes_nothing_and_leaves_no_file(ask, traded, folder):
    job = ask()
    late = claimed()
    make_silent(job)
    writing.write_waiting()
    done = ExportJob.objects.filter(pk=job.pk).values().get()
    writing.write(late)
    writing.write_waiting()
    assert ExportJob.objects.filter(pk=job.pk).values().get() == done
    assert len(list(folder.iterdir())) == 1


def test_one_that_is_late_only_at_the_end_removes_what_it_stored(ask, traded, folder, monkeypatch):
    job = ask()
    store = PrivateFiles.store

    def overtaken(self, content):
        ExportJob.objects.filter(pk=job.pk).update(attempt=2)
        return store(self, content)

    monkeypatch.setattr(PrivateFiles, "store", overtaken)
    writing.write_waiting()
    assert ExportJob.objects.get().state == "running"
    assert list(folder.iterdir()) == []


def test_what_fails_over_and_over_is_told_as_failed_and_not_tried_again(ask, traded, folder):
    job = ask()
    # Where the folder should be is a file: nothing can be kept in it.
    folder.write_bytes(b"")
    for _ in range(writing.MOST_ATTEMPTS):
        with pytest.raises(OSError):
            writing.write_waiting()
        make_silent(job)
    writing.write_waiting()
    job.refresh_from_db()
    assert (job.state, job.attempt) == ("failed", writing.MOST_ATTEMPTS)


def test_no_more_are_written_at_once_than_leave_the_worker_its_other_work(ask, traded, monkeypatch):
    monkeypatch.setattr(writing, "AT_ONCE", 1)
    jobs = [ask("csv"), ask("json")]
    assert writing.claim(now=timezone.now()) == jobs[0]
    assert writing.claim(now=timezone.now()) is None


def test_while_it_is_written_the_row_tells_how_far(ask, traded, monkeypatch):
    job = ask()
    seen = []
    parts = writing._parts

    def watched(trades):
        for part in parts(trades):
            seen.append(ExportJob.objects.get(pk=job.pk).rows_written)
            yield part

    monkeypatch.setattr(writing, "_parts", watched)
    writing.write_waiting()
    assert seen == [0, 3, 6]


def test_the_same_is_not_written_twice_at_once_and_one_person_has_two_at_most(ask, user, traded):
    assert ask("csv") == ask("csv")
    ask("csv", side="buy")
    with pytest.raises(Conflict) as refused:
        ask("csv", side="sell")
    assert refused.value.get_codes() == "too_many_exports"
    twin = ExportJob.objects.get(filters={})
    twin.pk, twin.public_id = None, ExportJob().public_id
    with pytest.raises(IntegrityError, match="an_export_is_written_once_at_a_time"), transaction.atomic():
        twin.save(force_insert=True)


@pytest.mark.parametrize(
    ("state", "changes", "constraint"),
    [
        ("done", {}, "a_finished_export_has_its_file_and_no_other"),
        ("expired", {"stored_as": "exports/x"}, "a_finished_export_has_its_file_and_no_other"),
        ("running", {"finished_at": None}, "a_running_export_gave_a_sign_of_life"),
        ("failed", {"finished_at": None}, "an_export_that_ended_has_its_date"),
        ("lost", {}, "an_export_"),
    ],
)
def test_the_database_itself_refuses_a_row_that_says_two_things(state, changes, constraint, ask, user):
    job = ask()
    ended = {"state": state, "finished_at": timezone.now()} | changes
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        ExportJob.objects.filter(pk=job.pk).update(**ended)


def test_after_a_day_the_file_goes_and_the_row_says_so(ask, traded, folder):
    job = ask()
    writing.write_waiting()
    keeping.tidy(now=timezone.now() + timedelta(hours=23))
    assert ExportJob.objects.get().state == "done"
    keeping.tidy(now=timezone.now() + timedelta(hours=25))
    job.refresh_from_db()
    assert (job.state, job.stored_as, list(folder.iterdir())) == ("expired", "", [])


def test_of_one_person_only_the_newest_files_are_kept(ask, traded, folder, monkeypatch):
    monkeypatch.setattr(keeping, "MOST_KEPT", 2)
    for _ in range(4):
        ask()
        writing.write_waiting()
    states = list(ExportJob.objects.order_by("pk").values_list("state", flat=True))
    assert states == ["expired", "expired", "done", "done"]
    assert len(list(folder.iterdir())) == 2


def test_files_without_a_row_go_but_not_while_they_may_get_one(ask, traded, folder):
    services.FILES.store(ContentFile(b"left behind"))
    keeping.tidy(now=timezone.now())
    assert len(list(folder.iterdir())) == 1
    keeping.tidy(now=timezone.now() + timedelta(hours=2))
    assert list(folder.iterdir()) == []


def test_the_record_tells_of_it_as_of_a_streamed_one(ask, api, traded):
    job = ask()
    asked = AuditRecord.objects.get(action="export")
    streamed(api)
    other = AuditRecord.objects.filter(action="export").latest("pk")
    assert (asked.object, asked.outcome) == (other.object, other.outcome)
    assert asked.detail == other.detail | {"job": str(job.public_id)}


def test_who_is_erased_leaves_neither_rows_nor_files(user, ask, traded, folder):
    ask("csv")
    writing.write_waiting()
    ask("json")
    half = claimed()
    services.forget(user=user)
    writing.write(half)
    assert (ExportJob.objects.count(), list(folder.iterdir())) == (0, [])


def test_in_a_bucket_it_is_encrypted_and_comes_back_as_it_was(
    endpoint, settings, ask, api, traded, monkeypatch
):
    storage_at(endpoint, settings, kind="exports")
    sent = {}
    parameters = S3Storage._get_write_parameters

    def watched(self, name, content=None):
        sent.update(parameters(self, name, content))
        return sent

    monkeypatch.setattr(S3Storage, "_get_write_parameters", watched)
    job = ask()
    writing.write_waiting()
    job.refresh_from_db()
    assert sent["ServerSideEncryption"] == "AES256"
    assert services.FILES.storage.open_unread(job.stored_as).read() == streamed(api)
    keeping.tidy(now=timezone.now() + timedelta(hours=25))
    with pytest.raises(FileNotFoundError):
        services.FILES.storage.open_unread(job.stored_as)
