"""What a person sees of an export that a worker writes."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from compliance.models import AuditRecord
from copytrade.pages import trades
from execution.exports import writing
from execution.exports.models import ExportJob
from tests.execution.test_exports import claimed, folder
from tests.ledger.test_api_books import book
from tests.pages.market import text_of

__all__ = ["folder"]


@pytest.fixture
def many(subscription, monkeypatch):
    """Three trades, where two are as many as are streamed."""
    monkeypatch.setattr(trades, "STREAMED_AT_MOST", 2)
    for number, side in enumerate(("buy", "buy", "sell")):
        book(subscription, trade_id=str(number), side=side)
    return subscription


def press(page, form="csv", **filters) -> str:
    """The button on the page of these filters; where it leads."""
    answer = page.get("/trades/", filters)
    html = answer.content.decode()
    assert re.search(rf'<button [^>]*name="format" value="{form}"', html), "no such button"
    sent = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html))
    answer = page.post("/trades/exports/", sent | {"format": form})
    assert answer.status_code == 302
    return str(answer["Location"])


def test_few_trades_are_streamed_and_many_are_written_by_a_worker(page, many):
    assert "/api/v1/trades/export?format=csv" in page.get("/trades/", {"side": "buy"}).content.decode()
    everything = page.get("/trades/").content.decode()
    assert "/api/v1/trades/export" not in everything
    assert 'action="/trades/exports/"' in everything


def test_the_export_is_of_what_the_filters_leave(page, user, many, monkeypatch):
    user.time_zone = "Europe/Madrid"
    user.save()
    monkeypatch.setattr(trades, "STREAMED_AT_MOST", 0)
    exports = page.get("/trades/", {"side": "buy", "from": "2026-01-01"}).context["exports"]
    address = press(page, side="buy", **{"from": "2026-01-01"})
    writing.write_waiting()
    assert page.get(f"{address}file/").getvalue() == page.get(exports["csv"]).getvalue()


def test_the_page_tells_how_far_it_is_and_then_where_the_file_is(page, many):
    address = press(page)
    assert "3 trades wait to be written" in text_of(page.get(address))
    job = claimed()
    ExportJob.objects.update(rows_written=2)
    html = page.get(address).content.decode()
    assert re.search(r'<progress max="3" value="2" aria-label="[^"]+"', html)
    assert f'hx-get="{address}live/' in html
    assert re.search(r'<section [^>]*aria-live="polite"', html)
    assert "<noscript>" in html
    writing.write(job)
    html = page.get(address).content.decode()
    assert f'href="{address}file/"' in html
    assert "hx-get" not in html.partition("<main")[2].partition("</main>")[0]


def test_polls_are_answered_only_where_something_changed(page, many):
    address = press(page)
    [after] = re.findall(r"live/\?after=(\w+)", page.get(address).content.decode())
    assert page.get(f"{address}live/", {"after": after}).status_code == 204
    writing.write_waiting()
    assert f"{address}file/" in page.get(f"{address}live/", {"after": after}).content.decode()


def test_the_file_comes_as_a_streamed_one_does_and_the_record_tells_of_each_download(page, many):
    address = press(page, "json")
    writing.write_waiting()
    answer = page.get(f"{address}file/")
    other = page.get("/api/v1/trades/export?format=json")
    assert answer.getvalue() == other.getvalue()
    for header in ("Content-Type", "Content-Disposition"):
        assert answer[header] == other[header]
    assert answer["Cache-Control"] == "private, no-store"
    downloads = AuditRecord.objects.filter(action="export", detail__downloaded=True)
    assert [record.actor for record in downloads] == [str(many.follower.public_id)]


def test_after_a_day_it_is_not_handed_out_even_where_nobody_removed_it(page, many, folder):
    address = press(page)
    writing.write_waiting()
    now = timezone.now()
    ExportJob.objects.update(finished_at=now - timedelta(hours=25), expires_at=now - timedelta(hours=1))
    assert page.get(f"{address}file/").status_code == 404
    assert "Exports are kept for a day" in text_of(page.get(address))
    assert "Your exports" not in text_of(page.get("/trades/"))


def test_a_file_that_a_restored_backup_does_not_have_is_no_error_of_the_server(page, many, folder):
    address = press(page)
    writing.write_waiting()
    for file in folder.iterdir():
        file.unlink()
    assert page.get(f"{address}file/").status_code == 404


def test_a_third_at_once_is_refused_in_words_on_the_page_of_trades(page, many):
    press(page, "csv")
    press(page, "json")
    trades_page = page.post("/trades/exports/", {"format": "csv", "side": "buy"}, follow=True)
    assert "Two exports of yours are being written already" in text_of(trades_page)
    assert text_of(trades_page).count("of 3 trades") == 2


@pytest.mark.parametrize("body", [{}, {"format": "xml"}, {"format": "csv", "side": "hold"}])
def test_what_cannot_be_understood_starts_nothing(body, page, many):
    assert page.post("/trades/exports/", body).status_code == 404
    assert not ExportJob.objects.exists()


def test_one_that_failed_says_so(page, many):
    address = press(page)
    ExportJob.objects.update(state="failed", finished_at=timezone.now())
    assert "could not be written" in text_of(page.get(address))
