from django.db import migrations

TRIGGERS = """
CREATE TRIGGER data_import_jobs_inserted AFTER INSERT ON data_import_jobs REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION notify_new_rows('background_job_id');
CREATE TRIGGER data_import_jobs_updated AFTER UPDATE ON data_import_jobs REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION notify_new_rows('background_job_id');
"""
DROP = "DROP TRIGGER data_import_jobs_inserted ON data_import_jobs; DROP TRIGGER data_import_jobs_updated ON data_import_jobs"


class Migration(migrations.Migration):
    dependencies = [("imports", "0001_initial"), ("jobtracker", "0002_claim_and_notify")]
    operations = [migrations.RunSQL(TRIGGERS, DROP)]
