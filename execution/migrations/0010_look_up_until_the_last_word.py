from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Orders go on being written while it is made.
    atomic = False

    dependencies = [
        ("execution", "0009_sweep_turn"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="copyorder",
            index=models.Index(
                condition=models.Q(("look_up_at__isnull", False)),
                fields=["look_up_at"],
                name="orders_with_a_look_up",
            ),
        ),
        RemoveIndexConcurrently(model_name="copyorder", name="orders_to_look_up"),
    ]
