from django.db import migrations

from records.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("compliance", "0001_initial")]

    operations = [append_only("compliance_auditrecord")]
