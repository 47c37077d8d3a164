from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Trades go on being booked while it is made.
    atomic = False

    dependencies = [
        ("ledger", "0012_bill_correction"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="trade",
            index=models.Index(
                condition=models.Q(("fee_in_quote", None)),
                fields=["subscription", "at"],
                name="trades_with_fees_uncounted",
            ),
        ),
    ]
