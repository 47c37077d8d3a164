"""Whether a migration would hurt a platform that runs: `python -m tests.schema.migration_lint`.

A landed migration is never edited, so what one may do all the same stands here with its reason.
"""

from __future__ import annotations

import os
from pathlib import Path

import django

from local.paths import ROOT
from local.report import Refusal, run_main, say

# Django drops a column's default as soon as its rows have it: processes of before cannot insert any more.
UNRELEASED = "there was no release before it, so nothing older runs beside it"
NEW_COLUMN = "over a column that this migration adds, which is empty: no row can break it"
EXCEPTIONS = {
    ("accounts", "0004_kyc_telling"): {"NOT_NULL": UNRELEASED},
    ("execution", "0004_what_was_asked_in_vain"): {
        "DROP_COLUMN": "only watchers read it, and they ask for all gaps again when they start"
    },
    ("ledger", "0008_reversals"): {
        "ADD_UNIQUE": "a fill had one trade before, and the column of reversals is new: no row can break them"
    },
    ("strategies", "0005_coins_that_left"): {"NOT_NULL": UNRELEASED},
    ("strategies", "0006_fan_out_is_planned"): {"NOT_NULL": UNRELEASED},
    ("subscriptions", "0004_a_closing_may_come_again"): {"NOT_NULL": UNRELEASED},
    ("subscriptions", "0005_invite"): {"ADD_UNIQUE": NEW_COLUMN},
}
Found = dict[tuple[str, str], set[str]]


def main(_arguments: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "copytrade.settings")
    # The linter tells each migration that it reads.
    os.environ["LOG_LEVEL"] = "WARNING"
    django.setup()
    found = _found()
    complaints = complaints_about(found)
    for complaint in complaints:
        say(f"  {complaint}")
    if complaints:
        raise Refusal("a migration would hurt what runs; give its reason in tests/schema/migration_lint.py.")
    say(f"  {len(found)} migrations, {len(EXCEPTIONS)} of them with exceptions.")
    return 0


def complaints_about(found: Found) -> list[str]:
    """What is found and not excepted, and what is excepted and not found."""
    complaints = []
    for migration in sorted(found.keys() | EXCEPTIONS.keys()):
        codes, excepted = found.get(migration, set()), set(EXCEPTIONS.get(migration, ()))
        name = ".".join(migration)
        complaints += [f"{name}: {code}" for code in sorted(codes - excepted)]
        complaints += [f"{name}: {code} is excepted and not there" for code in sorted(excepted - codes)]
    return complaints


def _found() -> Found:
    """The errors of each of our own migrations, by their codes; warnings are not asked for."""
    # Only now: all of these need the settings.
    from django.apps import apps
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader
    from django_migration_linter import MigrationLinter
    from django_migration_linter.sql_analyser.analyser import analyse_sql_statements

    ours = {config.label for config in apps.get_app_configs() if Path(config.path).parent == ROOT}
    loader = MigrationLoader(connection, replace_migrations=False)
    linter = MigrationLinter(str(ROOT), no_cache=True, no_output=True)
    found: Found = {}
    for (label, name), migration in loader.disk_migrations.items():
        if label not in ours:
            continue
        statements = loader.collect_sql([(migration, False)])
        errors, _ignored, _warnings = analyse_sql_statements(linter.sql_analyser_class, statements)
        errors += linter.analyse_data_migration(migration)[0]
        found[label, name] = {error.code for error in errors}
    return found


if __name__ == "__main__":
    run_main(main)
