from django.db import migrations, models
from django.db.models.functions import Now

from jobtracker.sql import numbered


class Migration(migrations.Migration):
    dependencies = [("jobtracker", "0004_announce_bulk_acts")]
    operations = [
        # Its process waits for the claim, so an attempt starts with it.
        migrations.AlterField(
            model_name="jobattempt",
            name="started_at",
            field=models.DateTimeField(blank=True, db_default=Now(), null=True),
        ),
        migrations.RunSQL(numbered("0005_attempts"), "DROP FUNCTION claim_attempt"),
    ]
