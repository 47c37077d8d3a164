from django.db import migrations

from records.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]

    operations = [
        append_only("ledger_fill"),
        append_only("ledger_trade"),
        append_only("ledger_posting"),
    ]
