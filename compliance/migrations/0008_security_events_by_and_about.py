from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

SECURITY = (
    "login.success",
    "login.failure",
    "session.end",
    "password.change",
    "second_factor.add",
    "second_factor.remove",
    "second_factor.reset",
    "token.issue",
    "token.revoke",
    "token.failure",
    "role.change",
    "exchange_account.create",
    "exchange_account.change",
    "exchange_account.delete",
    "withdrawal_address.create",
    "withdrawal_address.confirm",
    "withdrawal_address.delete",
    "kill_switch.change",
    "webhook.create",
    "webhook.revoke",
    "notification_channel.create",
    "notification_channel.change",
    "notification_channel.delete",
    "export",
)


class Migration(migrations.Migration):
    # Records go on being written while they are made.
    atomic = False

    dependencies = [
        ("compliance", "0007_security_events"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="auditrecord",
            index=models.Index(
                condition=models.Q(("action__in", SECURITY)),
                fields=["actor", "-at"],
                name="security_events_by_a_person",
            ),
        ),
        AddIndexConcurrently(
            model_name="auditrecord",
            index=models.Index(
                condition=models.Q(("action__in", SECURITY)),
                fields=["object", "-at"],
                name="security_events_about_a_person",
            ),
        ),
        # Only now: processes of before read by the old one until then.
        RemoveIndexConcurrently(model_name="auditrecord", name="security_events_of_a_person"),
    ]
