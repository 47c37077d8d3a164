from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("subscriptions", "0001_initial")]

    operations = [
        # Money changes with every trade: with room on its page a new version of a row needs no new index entry.
        migrations.RunSQL(
            "ALTER TABLE subscriptions_subscription SET (fillfactor = 60)",
            "ALTER TABLE subscriptions_subscription RESET (fillfactor)",
        ),
    ]
