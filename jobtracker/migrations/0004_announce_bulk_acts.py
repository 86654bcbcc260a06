from django.db import migrations

from jobtracker.sql import numbered


class Migration(migrations.Migration):
    dependencies = [("jobtracker", "0003_schedules_and_metrics")]
    # Backwards the function may stay: it announces the same, and needs nothing that is newer.
    operations = [migrations.RunSQL(numbered("0004_bulk"), migrations.RunSQL.noop)]
