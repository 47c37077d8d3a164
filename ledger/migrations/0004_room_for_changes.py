from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("ledger", "0003_cheaper_rows")]

    operations = [
        # Positions change with every trade, as subscriptions do.
        migrations.RunSQL(
            "ALTER TABLE ledger_position SET (fillfactor = 60)",
            "ALTER TABLE ledger_position RESET (fillfactor)",
        ),
    ]
