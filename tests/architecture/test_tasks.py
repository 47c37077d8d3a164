"""What the broker carries, and how a message that comes twice, late or never stays harmless."""

from __future__ import annotations

import inspect
from typing import Any, get_type_hints

import pytest

from copytrade.celery import app

OURS = ("accounts.", "copytrade.", "execution.", "ledger.", "strategies.", "subscriptions.", "wallets.")
# An id, some ids, and the two names that are none of a person: of a venue and of a self-check.
CARRIED: set[tuple[str, Any]] = {
    ("signal_id", int),
    ("slice_id", int),
    ("order_id", int),
    ("order_ids", list[int]),
    ("exchange", str),
    ("check", str),
}


def tasks() -> dict[str, Any]:
    app.loader.import_default_modules()
    app.finalize()
    return {name: task for name, task in app.tasks.items() if name.startswith(OURS)}


def test_a_task_carries_ids_and_never_what_they_stand_for() -> None:
    found = tasks()
    assert len(found) > 15
    for name, task in found.items():
        hints = get_type_hints(task.run)
        for argument in inspect.signature(task.run).parameters:
            assert (argument, hints[argument]) in CARRIED, f"{name} carries {argument}"


def test_a_message_of_a_dead_worker_comes_back_and_nothing_but_json_is_read() -> None:
    conf = app.conf
    assert (conf.task_acks_late, conf.worker_prefetch_multiplier) == (True, 1)
    assert conf.broker_transport_options["visibility_timeout"] == 60
    assert (conf.task_serializer, conf.accept_content) == ("json", ["json"])


@pytest.mark.parametrize("name", app.conf.beat_schedule)
def test_what_beat_asked_for_while_nobody_worked_lapses(name: str) -> None:
    """A beat that is replaced, or workers that were away, leave no heap of the same task."""
    entry = app.conf.beat_schedule[name]
    assert 0 < entry["options"]["expires"] <= 3600
    assert entry["task"] in tasks()
