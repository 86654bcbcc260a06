"""An aggregate that lays objects over each other; the last one given wins a key."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("catalogue", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "CREATE AGGREGATE jsonb_merge(jsonb)"
            " (SFUNC = jsonb_concat, STYPE = jsonb, INITCOND = '{}')",
            "DROP AGGREGATE jsonb_merge(jsonb)",
        ),
    ]
