"""What the database itself refuses, and the only two functions that remove records."""

from django.db import migrations

from records.append_only import append_only

GUARD = """
CREATE FUNCTION audit_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('copytrade.audit_purge', true) = 'on' THEN
        IF TG_OP = 'DELETE' THEN RETURN OLD; ELSE RETURN NEW; END IF;
    END IF;
    -- Erasing a person: these columns become null, nothing else changes.
    IF TG_OP = 'UPDATE' AND to_jsonb(NEW) = to_jsonb(OLD) || TG_ARGV[0]::jsonb THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;

DROP TRIGGER compliance_auditrecord_is_append_only ON compliance_auditrecord;
CREATE TRIGGER compliance_auditrecord_is_append_only BEFORE UPDATE OR DELETE ON compliance_auditrecord
FOR EACH ROW EXECUTE FUNCTION audit_guard('{"ip": null, "user_agent": null}');
CREATE TRIGGER compliance_auditlink_is_append_only BEFORE UPDATE OR DELETE ON compliance_auditlink
FOR EACH ROW EXECUTE FUNCTION audit_guard('{"salt": null}');

-- A fraction has more than one canonical form, or none: what could not be sealed is not recorded.
ALTER TABLE compliance_auditrecord ADD CONSTRAINT audit_detail_holds_whole_numbers CHECK (
    detail = '{}' OR NOT jsonb_path_exists(detail,
        'strict $.** ? (@.type() == "number" && (@.floor() != @ || @.abs() > 9007199254740991))')
);
"""

PURGE = """
CREATE FUNCTION purge_audit(
    upto bigint, upto_hash bytea, signature bytea, kept_tokens uuid[], moment timestamptz
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM compliance_auditlink l WHERE l.sequence = upto AND l.hash = upto_hash) THEN
        RAISE EXCEPTION 'sequence % does not have this hash', upto;
    END IF;
    INSERT INTO compliance_auditcheckpoint (sequence, hash, signature, at)
        VALUES (upto, upto_hash, signature, moment);
    PERFORM set_config('copytrade.audit_purge', 'on', true);
    DELETE FROM compliance_auditrecord r USING compliance_auditlink l
        WHERE l.record_id = r.id AND l.sequence <= upto
          AND NOT (r.action = 'nonce.use' AND r.token_id = ANY (kept_tokens));
    -- Of a living token's nonce only that it is spent.
    UPDATE compliance_auditrecord r
        SET actor = '', object = '', ip = NULL, user_agent = NULL, request_id = '', detail = '{}'
        FROM compliance_auditlink l WHERE l.record_id = r.id AND l.sequence <= upto;
    DELETE FROM compliance_auditlink WHERE sequence <= upto;
    PERFORM set_config('copytrade.audit_purge', 'off', true);
END $$;

CREATE FUNCTION forget_audit_nonces(tokens uuid[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    forgotten bigint;
BEGIN
    PERFORM set_config('copytrade.audit_purge', 'on', true);
    DELETE FROM compliance_auditrecord r
        WHERE r.action = 'nonce.use' AND r.object = '' AND r.token_id = ANY (tokens)
          AND r.id <= (SELECT h.record_id FROM compliance_audithead h)
          AND NOT EXISTS (SELECT FROM compliance_auditlink l WHERE l.record_id = r.id);
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    PERFORM set_config('copytrade.audit_purge', 'off', true);
    RETURN forgotten;
END $$;

REVOKE ALL ON FUNCTION purge_audit, forget_audit_nonces FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("compliance", "0005_chain")]

    operations = [
        migrations.RunSQL(GUARD),
        migrations.RunSQL(PURGE),
        append_only("compliance_auditcheckpoint"),
    ]
