"""A migration operation that makes a table append-only, whoever connects."""

from __future__ import annotations

from django.db.migrations.operations import RunSQL

FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
"""


def append_only(table: str) -> RunSQL:
    """Refuse UPDATE and DELETE of any row of `table`."""
    return RunSQL(
        sql=f"""{FUNCTION}
        CREATE TRIGGER {table}_is_append_only BEFORE UPDATE OR DELETE ON {table}
        FOR EACH ROW EXECUTE FUNCTION refuse_change();""",
        reverse_sql=f"DROP TRIGGER {table}_is_append_only ON {table};",
    )
