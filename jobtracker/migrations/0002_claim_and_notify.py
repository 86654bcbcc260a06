from django.db import migrations

from jobtracker.sql import numbered


class Migration(migrations.Migration):
    dependencies = [("jobtracker", "0001_initial")]
    operations = [
        migrations.RunSQL(
            numbered("0001_claim"),
            "DROP FUNCTION claim_job; DROP FUNCTION ready_jobs; DROP VIEW open_queues",
        ),
        migrations.RunSQL(
            numbered("0002_notify"),
            "DROP FUNCTION notify_new_rows CASCADE; DROP FUNCTION notify_updated_jobs CASCADE;"
            "DROP FUNCTION notify_queues CASCADE; DROP FUNCTION notify_workers CASCADE;"
            "DROP FUNCTION notify_job_changes",
        ),
        migrations.RunSQL(
            numbered("0003_tables"),
            "DROP FUNCTION refuse_change CASCADE; DELETE FROM job_queues;"
            "ALTER TABLE background_jobs RESET (fillfactor, autovacuum_vacuum_scale_factor)",
        ),
    ]
