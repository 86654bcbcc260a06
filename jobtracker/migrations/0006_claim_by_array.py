from django.db import migrations

from jobtracker.sql import numbered


class Migration(migrations.Migration):
    dependencies = [("jobtracker", "0005_claim_attempt")]
    # Backwards the function may stay: it claims the same.
    operations = [migrations.RunSQL(numbered("0006_claim_by_array"), migrations.RunSQL.noop)]
