from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("subscriptions", "0010_groups"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="history",
            options={"verbose_name_plural": "histories"},
        ),
    ]
