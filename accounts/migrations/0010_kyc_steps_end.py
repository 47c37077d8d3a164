"""The history of an identity check may be removed once the law does not keep it any more."""

from django.db import migrations

GUARD = """
CREATE FUNCTION kyc_step_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < now() - interval '5 years' THEN RETURN OLD; END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;

DROP TRIGGER accounts_kycstep_is_append_only ON accounts_kycstep;
CREATE TRIGGER accounts_kycstep_is_append_only BEFORE UPDATE OR DELETE ON accounts_kycstep
FOR EACH ROW EXECUTE FUNCTION kyc_step_guard();
"""
UNGUARD = """
DROP TRIGGER accounts_kycstep_is_append_only ON accounts_kycstep;
CREATE TRIGGER accounts_kycstep_is_append_only BEFORE UPDATE OR DELETE ON accounts_kycstep
FOR EACH ROW EXECUTE FUNCTION refuse_change();
DROP FUNCTION kyc_step_guard;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0009_leaving")]

    operations = [migrations.RunSQL(GUARD, UNGUARD)]
