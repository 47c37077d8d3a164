"""Copies that run already agreed to the fee that their strategy asks for."""

from django.db import migrations

AGREED = """
UPDATE subscriptions_subscription copy SET agreed_fee_percent = strategy.performance_fee_percent
FROM strategies_strategy strategy
WHERE strategy.id = copy.strategy_id AND copy.status <> 'closed' AND NOT copy.own
"""


class Migration(migrations.Migration):
    dependencies = [("subscriptions", "0007_fees")]

    operations = [migrations.RunSQL(AGREED, migrations.RunSQL.noop)]
